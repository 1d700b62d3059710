// While a larger model is asked: which one, why, and the choice to keep the local answer.
import { useState } from 'react';
import { Loader2 } from 'lucide-react';

export default function Escalation() {
  const [pressed, setPressed] = useState(false);
  const { question, text, can_keep, labels } = props;
  const keep = () => {
    setPressed(true);
    callAction({ name: 'keep', payload: { question } });
  };
  return (
    <div className="rag-pending" role="status">
      <Loader2 aria-hidden="true" />
      <span>{text}</span>
      {can_keep ? (
        <button type="button" className="rag-act" title={labels.keep_local_why} disabled={pressed} onClick={keep}>
          {labels.keep_local}
        </button>
      ) : null}
    </div>
  );
}
