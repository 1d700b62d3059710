// The card under an answer: where it comes from, who wrote it, and where the time went. It also
// opens a citation's passage beside the chat. All texts are shown as text.
import { useEffect, useRef, useState } from 'react';
import { useSetRecoilState } from 'recoil';
import { elementState, useChatData } from '@chainlit/react-client';
import { Check, ChevronDown, CircleAlert, Cloud, Download, Laptop, Network, TriangleAlert } from 'lucide-react';

const ICONS = { machine: Laptop, network: Network, cloud: Cloud };

function Reach({ one }) {
  const Icon = ICONS[one.reach];
  return <Icon aria-hidden="true" />;
}

const seconds = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`);

function Bar({ stages, total }) {
  const label = stages.map((stage) => `${stage.label} ${stage.ms} ms`).join(', ');
  return (
    <div className="rag-bar" role="img" aria-label={label}>
      {stages.filter((stage) => stage.ms > 0).map((stage) => (
        <span
          key={stage.key}
          className={`rag-stage-${stage.key}`}
          style={{ flexGrow: stage.ms }}
          title={`${stage.label}: ${stage.ms} ms`}
        />
      ))}
    </div>
  );
}

function Waterfall({ stages, total, labels }) {
  let before = 0;
  const rows = stages.map((stage) => {
    const left = before;
    before += stage.ms;
    return { ...stage, left };
  });
  const share = (ms) => `${total ? (100 * ms) / total : 0}%`;
  return (
    <div className="rag-waterfall" role="table">
      {rows.map((stage) => (
        <div className="rag-lane" role="row" key={stage.key}>
          <span role="rowheader">{stage.label}</span>
          <span className="rag-track" aria-hidden="true">
            <span
              className={`rag-stage-${stage.key}`}
              style={{ marginLeft: share(stage.left), width: share(stage.ms) }}
            />
          </span>
          <span role="cell" className="rag-ms" data-stage={stage.key} data-ms={stage.ms}>{stage.ms} ms</span>
        </div>
      ))}
      <div className="rag-lane rag-total" role="row">
        <span role="rowheader">{labels.total}</span>
        <span aria-hidden="true" />
        <span role="cell" className="rag-ms" data-stage="total" data-ms={total}>{total} ms</span>
      </div>
    </div>
  );
}

function Facts({ card }) {
  const facts = [
    ...card.usage.map((used) => [used.model, used.tokens]),
    [card.labels.passages, card.budget],
    [card.labels.cost, card.cost],
    [card.labels.energy, card.energy],
    [card.labels.trace, card.turn]
  ].filter(([, fact]) => fact);
  return (
    <dl className="rag-facts">
      {facts.map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

function Judgement({ card }) {
  if (!card.signals.length && !card.terms.length) return null;
  return (
    <div className="rag-judgement">
      {card.percent ? <span className="rag-percent">{card.labels.confidence} <strong>{card.percent}</strong></span> : null}
      <ul>
        {card.signals.map((signal, i) => (
          <li key={i} className={signal.speaks_for ? 'rag-for' : 'rag-against'}>
            {signal.speaks_for ? <Check aria-hidden="true" /> : <CircleAlert aria-hidden="true" />}
            <span>{signal.text}<span className="sr-only"> ({signal.speaks_for ? card.labels.speaks_for : card.labels.speaks_against})</span></span>
          </li>
        ))}
      </ul>
      {card.terms.length ? (
        <span className="rag-searched">
          {card.labels.searched_for}: {card.terms.map((term) => <span className="rag-term" key={term}>{term}</span>)}
        </span>
      ) : null}
    </div>
  );
}

function Sources({ card, show }) {
  if (!card.sources.length) return null;
  const label = card.terms.length ? card.labels.nearest : card.labels.sources;
  return (
    <div className="rag-sources" aria-label={label}>
      {card.terms.length ? <span className="rag-nearest">{label}</span> : null}
      {card.sources.map((source) => (
        <button
          type="button"
          key={source.number}
          className={`rag-source ${source.cited ? 'rag-cited' : ''}`}
          title={source.supported ? source.section : card.labels.unsupported}
          onClick={() => show(source)}
        >
          <span className="rag-number">{source.number}</span>
          <span className="rag-name">{source.document}</span>
          <span className="rag-page">{card.labels.page.replace('{page}', source.page)}</span>
        </button>
      ))}
    </div>
  );
}

export default function TurnCard() {
  const [open, setOpen] = useState(Boolean(props.is_open));
  const { loading } = useChatData();
  const setElements = useSetRecoilState(elementState);
  const root = useRef(null);
  const card = props;
  const { labels } = card;

  // Chainlit shows beside the chat what it knows as a "side" element, under the last one's name,
  // and keeps that open while other elements come.
  const beside = (title, elements) => {
    const shown = [...elements, { type: 'title', name: title }].map((element, i) => ({
      id: `beside-${Date.now()}-${i}`, display: 'side', forId: '', ...element
    }));
    setElements((all) => [...all.filter((element) => element.display !== 'side'), ...shown]);
  };
  const show = (source) => {
    const passage = { type: 'custom', name: 'PassageView', props: { ...source, labels } };
    const url = source.url && apiClient.buildEndpoint(source.url);
    const file = { type: 'pdf', name: source.document, url, page: source.page };
    beside(source.document, source.is_pdf && url ? [passage, file] : [passage]);
  };
  const act = (name) => callAction({ name, payload: { question: card.question } });
  const why = async () => {
    const { response } = await act('trace');
    if (response) beside(labels.why_title, [{ type: 'custom', name: 'Trace', props: response }]);
  };

  const save = async () => {
    const { response } = await act('download');
    if (!response) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([response], { type: 'text/markdown' }));
    link.download = card.can.save;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // Links in the message's text: citations (#passage-1 and so on) and sentences without support.
  useEffect(() => {
    const follow = (event) => {
      const link = event.target.closest('.message-content a[href^="#"]');
      if (!link || !link.closest('.message-content').contains(root.current)) return;
      event.preventDefault();
      const [, number] = link.getAttribute('href').split('#passage-');
      const source = card.sources.find((one) => String(one.number) === number);
      if (source) show(source);
      else if (link.getAttribute('href') === '#unsupported') why();
    };
    document.addEventListener('click', follow);
    return () => document.removeEventListener('click', follow);
  }, [card]);

  return (
    <div className="rag-card" data-turn={card.turn} ref={root}>
      {card.has_unsupported ? (
        <p className="rag-legend"><span className="rag-mark">?</span> {labels.unsupported_legend}</p>
      ) : null}
      <Sources card={card} show={show} />
      <div className="rag-box">
        <button type="button" className="rag-summary" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span className={`rag-badge rag-${card.badge.tone}`}>{card.badge.text}</span>
          {card.badge.text.includes(card.model) ? null : <span className="rag-model">{card.model}</span>}
          {card.ran.length && card.ran.every((one) => one.reach === 'machine') ? (
            <span className="rag-here" title={card.ran.map((one) => one.text).join(', ')}>
              <Laptop aria-hidden="true" /><span className="sr-only">{card.ran.map((one) => one.text).join(', ')}</span>
            </span>
          ) : null}
          <span className="rag-figures">
            {card.speed ? <span>{card.speed}</span> : null}
            <span className="rag-took">{seconds(card.total_ms)}</span>
            <ChevronDown aria-label={labels.details} className={open ? 'rag-open' : ''} />
          </span>
          <Bar stages={card.stages} total={card.total_ms} />
        </button>
        <Judgement card={card} />
        {card.ran.filter((one) => one.reach !== 'machine').map((one) => (
          <p key={one.text} className={`rag-line rag-sent rag-sent-${one.reach}`}><Reach one={one} />{one.text}</p>
        ))}
        {card.warnings.map((line, i) => (
          <p key={i} className="rag-line rag-warned"><TriangleAlert aria-hidden="true" />{line}</p>
        ))}
        {open ? (
          <div className="rag-details">
            <Waterfall stages={card.stages} total={card.total_ms} labels={labels} />
            {card.notes.map((note) => <p className="rag-cold" key={note}>{note}</p>)}
            <Facts card={card} />
          </div>
        ) : null}
      </div>
      <div className="rag-acts">
        {card.can.why ? <button type="button" className="rag-act rag-why" onClick={why}>{labels.why}</button> : null}
        {card.can.save ? (
          <button type="button" className="rag-act" onClick={save}><Download aria-hidden="true" />{labels.save_markdown}</button>
        ) : null}
        {card.can.larger ? (
          <button type="button" className="rag-act" disabled={loading} onClick={() => act('larger')}>{labels.ask_larger}</button>
        ) : null}
        {card.can.compare ? (
          <button type="button" className="rag-act" disabled={loading} onClick={() => act('compare')}>{labels.compare}</button>
        ) : null}
        {card.can.keep ? (
          <button type="button" className="rag-act" disabled={loading} onClick={() => act('keep')}>{labels.keep_local}</button>
        ) : null}
      </div>
    </div>
  );
}
