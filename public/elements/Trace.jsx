// Why an answer is as it is: its judgement, search, prompts, timings and cost. Shown as text; the
// same can be copied and downloaded as JSON.
import { useState } from 'react';
import { Check, Copy, Download } from 'lucide-react';

const rounded = (value) => (value === null || value === undefined ? '–' : Number(value.toFixed(2)));

function Section({ title, children }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Facts({ facts }) {
  return (
    <dl className="rag-facts">
      {facts.filter(([, fact]) => fact).map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

function Take({ json, name, labels }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    const area = document.createElement('textarea'); // the clipboard API is for secure pages only
    area.value = json;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    setCopied(true);
  };
  const save = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  return (
    <div className="rag-acts">
      <button type="button" className="rag-act" onClick={copy}>
        {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
        {copied ? labels.copied : labels.copy}
      </button>
      <button type="button" className="rag-act" onClick={save}>
        <Download aria-hidden="true" />
        {labels.save}
      </button>
    </div>
  );
}

function Signals({ signals, labels }) {
  if (!signals.length) return null;
  return (
    <Section title={labels.signals}>
      <table>
        <thead>
          <tr>
            <th>{labels.signal}</th>
            <th className="rag-right">{labels.value}</th>
            <th className="rag-right">{labels.threshold}</th>
            <th className="rag-right">{labels.weight}</th>
          </tr>
        </thead>
        <tbody>
          {signals.map((one) => {
            const isBelow = one.value !== null && one.threshold !== null && one.value < one.threshold;
            return (
              <tr key={one.name} data-signal={one.name} className={isBelow ? 'rag-below' : ''}>
                <td>
                  <code>{one.name}</code>
                  {one.text ? <span className="rag-fate">{one.text}</span> : null}
                </td>
                <td className="rag-right">{rounded(one.value)}</td>
                <td className="rag-right">{rounded(one.threshold)}</td>
                <td className="rag-right">{rounded(one.weight)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Section>
  );
}

function Shares({ explain, labels }) {
  const length = labels.share_length
    .replace('{length}', explain.length)
    .replace('{factor}', rounded(explain.length_factor));
  return (
    <>
      <table className="rag-shares">
        <thead>
          <tr>
            <th>{labels.share_term}</th>
            <th className="rag-right">{labels.share_idf}</th>
            <th className="rag-right">{labels.share_times}</th>
            <th className="rag-right">{labels.share_weight}</th>
            <th className="rag-right">{labels.share}</th>
          </tr>
        </thead>
        <tbody>
          {explain.terms.map((one) => (
            <tr key={one.term}>
              <td>{one.term}</td>
              <td className="rag-right">{rounded(one.idf)}</td>
              <td className="rag-right">{one.frequency}</td>
              <td className="rag-right">{rounded(one.weight)}</td>
              <td className="rag-right">{rounded(one.share)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="rag-muted">{length}</p>
    </>
  );
}

function Search({ trace, terms, labels }) {
  const { hits, dropped } = trace.context;
  const rows = [...hits.map((hit) => ({ ...hit, fate: labels.fits })), ...dropped.map((hit) => ({ ...hit, fate: hit.reason }))];
  const read = trace.context.token_count > 0;
  return (
    <Section title={labels.search}>
      <Facts facts={[[labels.searched_for, trace.query.text], [labels.search_background, trace.query.background]]} />
      <p>
        <span className="rag-muted">{labels.terms} </span>
        {terms.map((term) => <span className="rag-term" key={term}>{term}</span>)}
      </p>
      {rows.length ? (
        <table>
          <thead>
            <tr>
              <th>{labels.column_passage}</th>
              <th className="rag-right">{labels.column_score}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((hit, i) => (
              <tr key={i} className={i < hits.length && read ? '' : 'rag-dropped'}>
                <td>
                  <span className="rag-name">{hit.document}</span>
                  <span className="rag-muted"> · {labels.page.replace('{page}', hit.page)}{hit.section ? ` · ${hit.section}` : ''}</span>
                  {read || i >= hits.length ? <span className="rag-fate">{hit.fate}</span> : null}
                  <details>
                    <summary>{hit.matched_terms.join(', ')}</summary>
                    {hit.explain ? <Shares explain={hit.explain} labels={labels} /> : null}
                    <pre>{hit.text}</pre>
                  </details>
                </td>
                <td className="rag-right">{rounded(hit.score)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : <p className="rag-muted">{labels.search_none}</p>}
    </Section>
  );
}

function Attempt({ attempt, labels }) {
  const judged = attempt.confidence;
  const verdict = judged ? ` · ${judged.value.toFixed(3)} · ${labels.verdicts[judged.verdict]}` : '';
  return (
    <div className="rag-attempt">
      <p>
        <strong>{labels[`attempt_${attempt.tier}`]}</strong> <span className="rag-muted">{attempt.model}{verdict} · {labels.ended} {attempt.finish_reason} · {labels.reach[attempt.reach]}{attempt.is_cold ? ` · ${labels.first_use}` : ''}</span>
      </p>
      <details>
        <summary>{labels.prompt}</summary>
        {attempt.prompt.map((message, i) => <pre key={i}><strong>{message.role}</strong>{`\n${message.content}`}</pre>)}
      </details>
      {attempt.reasoning ? (
        <details>
          <summary>{labels.thinking}</summary>
          <pre>{attempt.reasoning}</pre>
        </details>
      ) : null}
      <details>
        <summary>{labels.written}</summary>
        <pre>{attempt.text}</pre>
      </details>
    </div>
  );
}

export default function Trace() {
  const { trace, reasons, signals, terms, verdict, stages, energy, labels } = props;
  const { confidence } = trace;
  const timings = Object.entries(trace.latency_ms)
    .filter(([, ms]) => ms !== null)
    .map(([stage, ms]) => [stages[stage], `${ms.toFixed(1)} ms`]);
  const used = Object.entries(trace.usage)
    .map(([model, usage]) => [model, `${usage.estimated ? '≈ ' : ''}${usage.prompt_tokens} → ${usage.completion_tokens}`]);
  return (
    <article className="rag-trace">
      <Take json={JSON.stringify(trace, null, 2)} name={`trace-${trace.trace_id}.json`} labels={labels} />
      <Section title={labels.judgement}>
        <Facts
          facts={[
            [labels.verdict, verdict],
            [labels.confidence, confidence.value.toFixed(3)],
            [labels.mode, trace.mode],
            [labels.calibration, confidence.calibration || labels.documented]
          ]}
        />
        <ul>{reasons.map((reason, i) => <li key={i}>{reason}</li>)}</ul>
      </Section>
      <Search trace={trace} terms={terms} labels={labels} />
      {trace.attempts.length ? (
        <Section title={labels.attempts}>
          {trace.attempts.map((attempt, i) => <Attempt key={i} attempt={attempt} labels={labels} />)}
        </Section>
      ) : null}
      <Signals signals={signals} labels={labels} />
      <Section title={labels.timings}>
        <Facts facts={timings} />
        <Facts facts={[...used, [labels.cost, trace.cost_usd === null ? '–' : `$${trace.cost_usd.toPrecision(2)}`], [labels.energy, energy], [labels.trace, trace.trace_id]]} />
      </Section>
    </article>
  );
}
