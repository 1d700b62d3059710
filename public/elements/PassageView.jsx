// A cited passage in its place on the page, with the quoted span marked. Shown as text.
export default function PassageView() {
  const passage = props;
  const { labels } = passage;
  return (
    <article className="rag-passage">
      <header>
        <span className="rag-number">{passage.number}</span>
        <span>{labels.page.replace('{page}', passage.page)}</span>
        {passage.section ? <span className="rag-section">{passage.section}</span> : null}
        {passage.url ? (
          <a href={apiClient.buildEndpoint(passage.url)} target="_blank" rel="noopener">
            {labels.whole_document}
          </a>
        ) : null}
      </header>
      {passage.supported ? null : <p className="rag-warn-line">{labels.unsupported}</p>}
      <blockquote>
        {passage.before ? <span className="rag-around">{passage.before}</span> : null}
        {passage.spans.map((span, i) => (span.marked ? <mark key={i}>{span.text}</mark> : span.text))}
        {passage.after ? <span className="rag-around">{passage.after}</span> : null}
      </blockquote>
    </article>
  );
}
