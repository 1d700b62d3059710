// While an answer is worked at: the phase with its seconds, what is usual, when it will be given up;
// and, while a larger model is asked, why, and the choice to keep the local answer.
import { useEffect, useRef, useState } from 'react';
import { Loader2 } from 'lucide-react';

const told = (seconds) => (seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`);

function Line({ line, labels }) {
  const [now, setNow] = useState(Date.now());
  const began = useRef({});
  if (began.current.key !== line.key) {
    began.current = { key: line.key, at: Date.now() - 1000 * line.elapsed_s };
  }
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, (now - began.current.at) / 1000);
  const isLate = seconds >= line.late_s;
  const rest = [
    isLate && line.usual ? `${labels.slower} (${line.usual})` : line.usual,
    isLate ? line.gives_up : ''
  ].filter(Boolean);
  return (
    <span className={`rag-phase ${isLate ? 'rag-late' : ''}`} data-phase={line.key.split(' ')[0]}>
      <span role="status">{line.text}</span>
      <span className="rag-seconds" aria-hidden="true"> · {told(Math.floor(seconds))}</span>
      {rest.map((one) => <span className="rag-usual" key={one}> · {one}</span>)}
    </span>
  );
}

export default function Working() {
  const [pressed, setPressed] = useState(false);
  const { question, line, escalation, labels } = props;
  const keep = () => {
    setPressed(true);
    callAction({ name: 'keep', payload: { question } });
  };
  return (
    <div className="rag-pending">
      <Loader2 aria-hidden="true" />
      <span>
        {escalation ? <span className="rag-asked" role="status">{escalation.text}</span> : null}
        {line ? <Line line={line} labels={labels} /> : null}
      </span>
      {escalation && escalation.can_keep ? (
        <button type="button" className="rag-act" title={labels.keep_local_why} disabled={pressed} onClick={keep}>
          {labels.keep_local}
        </button>
      ) : null}
    </div>
  );
}
