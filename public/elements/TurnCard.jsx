// The card under an answer: where it comes from, who wrote it, and where the time went. It also
// opens a citation's passage beside the chat. All texts are shown as text.
import { useEffect, useRef, useState } from 'react';
import { useSetRecoilState } from 'recoil';
import { sideViewState } from '@chainlit/react-client';
import { ChevronDown, FileText } from 'lucide-react';

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
    [card.labels.used_model, card.model],
    [card.labels.passages, card.budget],
    [null, card.tokens],
    [card.labels.cost, card.cost_usd ? `$${card.cost_usd.toPrecision(2)}` : ''],
    [card.labels.trace, card.turn]
  ].filter(([, fact]) => fact);
  return (
    <>
      <dl className="rag-facts">
        {facts.map(([name, fact]) => (
          <div key={fact}>
            {name ? <dt>{name}</dt> : null}
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
      {card.notes.length ? (
        <ul className="rag-notes">{card.notes.map((note, i) => <li key={i}>{note}</li>)}</ul>
      ) : null}
    </>
  );
}

export default function TurnCard() {
  const [open, setOpen] = useState(false);
  const setSideView = useSetRecoilState(sideViewState);
  const root = useRef(null);
  const card = props;

  const show = (source) => {
    const id = `${card.turn}-${source.number}`;
    const passage = {
      id, type: 'custom', name: 'PassageView', display: 'side', forId: '',
      props: { ...source, labels: card.labels }
    };
    const file = {
      id: `${id}-file`, type: 'pdf', name: source.document, display: 'side', forId: '',
      url: source.url && apiClient.buildEndpoint(source.url), page: source.page
    };
    setSideView({
      title: source.document,
      elements: source.is_pdf && source.url ? [passage, file] : [passage]
    });
  };

  // Citations are links in the message's text: #passage-1 and so on.
  useEffect(() => {
    const follow = (event) => {
      const link = event.target.closest('.message-content a[href^="#passage-"]');
      if (!link || !link.closest('.message-content').contains(root.current)) return;
      event.preventDefault();
      const number = link.getAttribute('href').slice('#passage-'.length);
      const source = card.sources.find((one) => String(one.number) === number);
      if (source) show(source);
    };
    document.addEventListener('click', follow);
    return () => document.removeEventListener('click', follow);
  }, [card]);

  return (
    <div className="rag-card" data-turn={card.turn} ref={root}>
      {card.sources.length ? (
        <div className="rag-sources" aria-label={card.labels.sources}>
          {card.sources.map((source) => (
            <button
              type="button"
              key={source.number}
              className={`rag-source ${source.cited ? 'rag-cited' : ''}`}
              title={source.supported ? source.section : card.labels.unsupported}
              onClick={() => show(source)}
            >
              <FileText aria-hidden="true" />
              <span className="rag-number">{source.number}</span>
              <span className="rag-name">{source.document}</span>
              <span className="rag-page">{card.labels.page.replace('{page}', source.page)}</span>
            </button>
          ))}
        </div>
      ) : null}
      <button type="button" className="rag-summary" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span className={`rag-badge rag-${card.badge.tone}`}>{card.badge.text}</span>
        <span className="rag-model">{card.model}</span>
        <span className="rag-figures">
          {card.speed ? <span>{card.speed}</span> : null}
          <span className="rag-took">{seconds(card.total_ms)}</span>
          <ChevronDown aria-label={card.labels.details} className={open ? 'rag-open' : ''} />
        </span>
        <Bar stages={card.stages} total={card.total_ms} />
      </button>
      {open ? (
        <div className="rag-details">
          <Waterfall stages={card.stages} total={card.total_ms} labels={card.labels} />
          <Facts card={card} />
        </div>
      ) : null}
    </div>
  );
}
