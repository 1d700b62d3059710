// About this machine: what has to be mended, what is well, and what running models take just now.
import { useEffect, useState } from 'react';
import { Check, CircleAlert, Cloud, Laptop, Loader2, Network, RefreshCw, TriangleAlert } from 'lucide-react';

const REACH = { machine: Laptop, network: Network, cloud: Cloud };
const STATE = { ok: Check, warning: TriangleAlert, problem: CircleAlert };
const POLL_MS = 1500;

function Running({ one }) {
  const Icon = REACH[one.reach.reach];
  return (
    <div className="rag-running" data-model={one.model}>
      <header>
        <h4>{one.label}</h4>
        <span className={`rag-reach rag-reach-${one.reach.reach}`}><Icon aria-hidden="true" />{one.reach.text}</span>
        <span className="rag-muted">{one.state}</span>
      </header>
      {one.model ? <span className="rag-name">{one.model}</span> : null}
      {one.figures.length ? (
        <dl>
          {one.figures.map((figure) => (
            <div key={figure.name}><dt>{figure.name}</dt><dd>{figure.value}</dd></div>
          ))}
        </dl>
      ) : null}
    </div>
  );
}

function Finding({ one }) {
  const Icon = STATE[one.state];
  return (
    <li className={`rag-finding rag-finding-${one.state}`}>
      <Icon aria-hidden="true" />
      <div>
        <span>{one.text}</span>
        {one.fix ? <span className="rag-muted">{one.fix}</span> : null}
      </div>
    </li>
  );
}

export default function Machine() {
  const [shown, setShown] = useState(props);
  const [running, setRunning] = useState(props.running);
  const [isLooking, setIsLooking] = useState(false);
  const { labels } = shown;

  useEffect(() => {
    setShown(props);
    setRunning(props.running);
  }, [props]);
  useEffect(() => {
    const timer = setTimeout(async () => {
      const answer = document.hidden ? null : await callAction({ name: 'machine', payload: { do: 'live' } });
      setRunning((now) => (answer && answer.response) || [...now]);
    }, POLL_MS);
    return () => clearTimeout(timer);
  }, [running]);

  const look = async () => {
    setIsLooking(true);
    const { response } = await callAction({ name: 'machine', payload: { do: 'look' } });
    if (response) setShown(response);
    setIsLooking(false);
  };

  return (
    <div className="rag-models rag-machine">
      <section>
        <h3>{labels.while_running}</h3>
        {running.map((one) => <Running key={one.label} one={one} />)}
      </section>
      <section>
        <header>
          <h3>{labels.machine_found}</h3>
          {isLooking ? (
            <span className="rag-busy" role="status"><Loader2 aria-hidden="true" />{labels.looking_machine}</span>
          ) : (
            <button type="button" className="rag-act" onClick={look}><RefreshCw aria-hidden="true" />{labels.look_again}</button>
          )}
        </header>
        <p className={shown.is_well ? 'rag-trial' : 'rag-note'}>{shown.summary}</p>
        <ul>{shown.findings.map((one) => <Finding key={one.text} one={one} />)}</ul>
      </section>
    </div>
  );
}
