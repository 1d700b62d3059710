// Which of two answers next to each other was better; it may be chosen anew.
import { useState } from 'react';
import { Check } from 'lucide-react';

export default function Preference() {
  const [chosen, setChosen] = useState('');
  const [said, setSaid] = useState('');
  const { first, second, question, choices } = props;
  const prefer = async (preferred) => {
    setChosen(preferred);
    const { response } = await callAction({ name: 'prefer', payload: { first, second, preferred } });
    if (response) setSaid(response);
    else setChosen('');
  };
  return (
    <div className="rag-prefer" role="group" aria-label={question}>
      <strong>{question}</strong>
      <span className="rag-acts">
        {choices.map(({ value, text }) => (
          <button type="button" key={value} className="rag-act" aria-pressed={chosen === value} onClick={() => prefer(value)}>
            {chosen === value ? <Check aria-hidden="true" /> : null}{text}
          </button>
        ))}
      </span>
      <span className="rag-muted" role="status">{said}</span>
    </div>
  );
}
