// What a question found: every passage with its score, the terms it shares, and its fate.
export default function Search() {
  const { rows, budget, background, labels } = props;
  if (!rows.length) return <p className="rag-muted">{labels.search_none}</p>;
  return (
    <div className="rag-search">
      {background ? <p className="rag-muted" title={background}>{labels.search_background}</p> : null}
      <table>
        <thead>
          <tr>
            <th />
            <th>{labels.column_passage}</th>
            <th>{labels.column_terms}</th>
            <th className="rag-right">{labels.column_score}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i} className={row.number ? '' : 'rag-dropped'}>
              <td>{row.number ? <span className="rag-number">{row.number}</span> : '–'}</td>
              <td>
                <span className="rag-name">{row.document}</span>
                <span className="rag-muted"> · {labels.page.replace('{page}', row.page)}{row.section ? ` · ${row.section}` : ''}</span>
                <span className="rag-fate">{row.number ? labels.fits : row.reason}</span>
              </td>
              <td>{row.terms.map((term) => <span className="rag-term" key={term}>{term}</span>)}</td>
              <td className="rag-right">
                {row.score.toFixed(2)}
                <span className="rag-score"><span style={{ width: `${100 * row.share}%` }} /></span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {budget ? <p className="rag-muted">{labels.passages}: {budget}</p> : null}
    </div>
  );
}
