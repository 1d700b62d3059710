// Everything that is searched: filter by name, open, remove. Shown as text.
import { useEffect, useRef, useState } from 'react';
import { FileText, Trash2 } from 'lucide-react';

export default function Documents() {
  const [list, setList] = useState(props);
  const [name, setName] = useState('');
  const [asked, setAsked] = useState(null);
  const timer = useRef();
  const { labels } = list;

  useEffect(() => setList(props), [props]);

  const ask = async (payload) => {
    const answer = await callAction({ name: 'documents', payload });
    if (answer && answer.response) setList(answer.response);
    setAsked(null);
  };
  const filter = (event) => {
    const value = event.target.value;
    setName(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => ask({ name: value }), 200);
  };
  const forget = (id) => ask({ name, forget: id });

  if (list.is_empty) return <p className="rag-muted">{labels.no_documents}</p>;
  return (
    <div className="rag-documents">
      <input type="search" value={name} onChange={filter} placeholder={labels.filter} aria-label={labels.filter} />
      <ul>
        {list.documents.map((one) => (
          <li key={one.id} data-document={one.id}>
            <FileText aria-hidden="true" />
            <div>
              <a href={one.url && apiClient.buildEndpoint(one.url)} target="_blank" rel="noopener">{one.name}</a>
              <span className="rag-muted">{one.origin} · {one.size}</span>
              {one.note ? <span className="rag-note">{one.note}</span> : null}
            </div>
            {one.is_fixed ? null : asked === one.id ? (
              <span className="rag-sure">
                <button type="button" className="rag-danger" onClick={() => forget(one.id)}>{labels.remove_sure}</button>
                <button type="button" onClick={() => setAsked(null)}>{labels.keep}</button>
              </span>
            ) : (
              <button type="button" className="rag-remove" aria-label={`${labels.remove}: ${one.name}`} title={labels.remove} onClick={() => setAsked(one.id)}>
                <Trash2 aria-hidden="true" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {list.documents.length ? null : <p className="rag-muted">{labels.no_match}</p>}
      {list.more ? <p className="rag-muted">{list.more}</p> : null}
    </div>
  );
}
