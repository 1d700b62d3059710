// Above one of two answers next to each other: whose it is, and where that model runs.
import { Cloud, Laptop, Network } from 'lucide-react';

const ICONS = { machine: Laptop, network: Network, cloud: Cloud };

export default function Side() {
  const { place, label, model, reach } = props;
  const Icon = ICONS[reach.reach];
  return (
    <header className={`rag-side rag-side-${place}`}>
      <h3>{label}</h3>
      {model ? <span className="rag-model">{model}</span> : null}
      <span className={`rag-reach rag-reach-${reach.reach}`}><Icon aria-hidden="true" />{reach.text}</span>
    </header>
  );
}
