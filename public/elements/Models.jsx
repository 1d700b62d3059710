// Which models there are: what each tier uses and why, what was found, a test, a server of one's
// own, and what can be fetched. Shown as text. A key goes by a request of its own (rag/page/routes.py)
// and is kept neither here nor in the chat.
import { useEffect, useRef, useState } from 'react';
import { useRecoilValue, useSetRecoilState } from 'recoil';
import { elementState, sessionIdState } from '@chainlit/react-client';
import { Cloud, Cpu, Laptop, Loader2, Network, Plus, RefreshCw, TriangleAlert, X } from 'lucide-react';

const ICONS = { machine: Laptop, network: Network, cloud: Cloud };
const POLL_MS = 700;

function Reach({ place }) {
  if (!place) return null;
  const Icon = ICONS[place.reach];
  return <span className={`rag-reach rag-reach-${place.reach}`}><Icon aria-hidden="true" />{place.text}</span>;
}

function Busy({ text }) {
  return <span className="rag-busy" role="status"><Loader2 aria-hidden="true" />{text}</span>;
}

function Problem({ text }) {
  return text ? <p className="rag-problem" role="alert"><TriangleAlert aria-hidden="true" /><span>{text}</span></p> : null;
}

function Tier({ tier, choose, labels, isBusy }) {
  return (
    <div className="rag-tier" data-tier={tier.tier}>
      <label htmlFor={`rag-choose-${tier.tier}`}>{tier.label}</label>
      <Reach place={tier.place} />
      <select
        id={`rag-choose-${tier.tier}`}
        aria-label={`${labels.choose_for}: ${tier.label}`}
        value={tier.value}
        disabled={isBusy}
        onChange={(event) => choose(tier.tier, event.target.value)}
      >
        {tier.options.map((group, i) => {
          const options = group.options.map((one) => <option key={one.value} value={one.value}>{one.text}</option>);
          return group.title ? <optgroup key={i} label={group.title}>{options}</optgroup> : options;
        })}
      </select>
      {tier.is_problem ? <Problem text={tier.why} /> : (
        <p className="rag-why-tier">
          {tier.value.endsWith(`#${tier.model}`) || !tier.model ? null : <strong>{tier.model}. </strong>}
          {tier.why}
        </p>
      )}
    </div>
  );
}

function Capabilities({ capabilities }) {
  if (!capabilities.length) return null;
  return (
    <span className="rag-can">
      {capabilities.map((one) => <span key={one.text} className={one.can ? '' : 'rag-cannot'}>{one.text}</span>)}
    </span>
  );
}

function Row({ row, test, isTested, labels }) {
  return (
    <li data-model={row.setting}>
      <div>
        <span className="rag-name">{row.name}</span> <Reach place={row.place} />
        <span className="rag-muted">{row.facts.join(' · ')}</span>
        <Capabilities capabilities={row.capabilities} />
        {row.trial && !isTested ? (
          <span className={row.trial.is_good ? 'rag-trial' : 'rag-note'} role="status">{row.trial.text}</span>
        ) : null}
      </div>
      {isTested ? <Busy text={labels.testing} /> : (
        <button type="button" className="rag-act" aria-label={`${labels.test}: ${row.name}`} onClick={() => test(row.setting)}>{labels.test}</button>
      )}
    </li>
  );
}

function Group({ group, test, tested, remove, labels }) {
  const [asked, setAsked] = useState(false);
  return (
    <div className="rag-group" data-server={group.address}>
      <header>
        <h4>{group.title}</h4>
        <Reach place={group.place} />
        {!group.can_forget ? null : asked ? (
          <span className="rag-sure">
            <button type="button" className="rag-danger" onClick={() => remove(group.address)}>{labels.remove_sure}</button>
            <button type="button" onClick={() => setAsked(false)}>{labels.keep}</button>
          </span>
        ) : (
          <button type="button" className="rag-remove" aria-label={`${labels.forget}: ${group.title}`} title={labels.forget} onClick={() => setAsked(true)}>
            <X aria-hidden="true" />
          </button>
        )}
      </header>
      {group.problem ? <p className="rag-note">{group.problem}</p> : null}
      {!group.problem && !group.rows.length ? <p className="rag-muted">{labels.no_models}</p> : null}
      <ul>
        {group.rows.map((row) => (
          <Row key={row.setting} row={row} test={test} isTested={tested.includes(row.setting)} labels={labels} />
        ))}
      </ul>
      {group.more ? <p className="rag-muted">{group.more}</p> : null}
    </div>
  );
}

function AddServer({ added, labels }) {
  const session = useRecoilValue(sessionIdState);
  const address = useRef(null);
  const key = useRef(null); // not in any state: what React renders can be read
  const [problem, setProblem] = useState('');
  const [isAdding, setIsAdding] = useState(false);
  const add = async (event) => {
    event.preventDefault();
    const body = JSON.stringify({ address: address.current.value, key: key.current.value });
    key.current.value = '';
    setIsAdding(true);
    setProblem('');
    try {
      const response = await fetch(apiClient.buildEndpoint(`/models/server?session_id=${session}`), {
        method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      address.current.value = '';
      await added();
    } catch (error) {
      setProblem(error.message);
    }
    setIsAdding(false);
  };
  return (
    <form className="rag-add" onSubmit={add} autoComplete="off">
      <p className="rag-muted">{labels.add_help}</p>
      <label htmlFor="rag-address">{labels.address}</label>
      <input id="rag-address" ref={address} type="text" inputMode="url" required placeholder={labels.example} spellCheck="false" autoCapitalize="off" />
      <label htmlFor="rag-key">{labels.key}</label>
      <input id="rag-key" ref={key} type="password" autoComplete="new-password" aria-describedby="rag-key-help" />
      <p className="rag-muted" id="rag-key-help">{labels.key_help}</p>
      <Problem text={problem} />
      {isAdding ? <Busy text={labels.adding} /> : (
        <button type="submit" className="rag-act"><Plus aria-hidden="true" />{labels.add}</button>
      )}
    </form>
  );
}

function Download({ one, act, labels }) {
  const { pull } = one;
  const isGoing = pull && !pull.error;
  return (
    <li data-download={one.setting}>
      <div>
        <span className="rag-name">{one.name}</span>
        <span className="rag-muted">{one.facts.join(' · ')}</span>
        {one.purpose ? <span className="rag-muted">{one.purpose}</span> : null}
        {isGoing ? (
          <span className="rag-pull">
            <progress max="1" value={pull.share === null ? undefined : pull.share} aria-label={`${one.name}: ${pull.text}`} />
            <span className="rag-muted">{pull.text}</span>
          </span>
        ) : null}
        {pull && pull.error ? <span className="rag-note" role="alert">{pull.error}</span> : null}
      </div>
      <button
        type="button"
        className="rag-act"
        aria-label={`${isGoing ? labels.cancel : labels.fetch}: ${one.name}`}
        onClick={() => act(isGoing ? 'cancel' : 'pull', one.setting)}
      >
        {isGoing ? labels.cancel : labels.fetch}
      </button>
    </li>
  );
}

export default function Models() {
  const [shown, setShown] = useState(props);
  const [tested, setTested] = useState([]);
  const [isLooking, setIsLooking] = useState(props.is_looking);
  const [isChoosing, setIsChoosing] = useState(false);
  const [isOpening, setIsOpening] = useState(false);
  const setElements = useSetRecoilState(elementState);
  const { labels } = shown;

  const act = async (name, setting = '') => {
    const answer = await callAction({ name: 'models', payload: { do: name, setting } });
    if (answer && answer.response) setShown(answer.response);
  };
  const look = async (name) => {
    setIsLooking(true);
    await act(name);
    setIsLooking(false);
  };
  const test = async (setting) => {
    setTested((all) => [...all, setting]);
    await act('test', setting);
    setTested((all) => all.filter((one) => one !== setting));
  };
  // In the chat's own list of side elements, as a passage is (TurnCard.jsx): so it stays open while
  // a question is asked, and the figures of the model at work can be seen.
  const seeMachine = async () => {
    setIsOpening(true);
    const { response } = await callAction({ name: 'machine', payload: { do: 'look' } });
    setIsOpening(false);
    if (!response) return;
    const side = { display: 'side', forId: '' };
    setElements((all) => [
      ...all.filter((element) => element.display !== 'side'),
      { ...side, id: `machine-${Date.now()}`, type: 'custom', name: 'Machine', props: response },
      { ...side, id: `machine-title-${Date.now()}`, type: 'title', name: labels.title_machine }
    ]);
  };
  const choose = async (tier, setting) => {
    setIsChoosing(true);
    await act(tier, setting);
    setIsChoosing(false);
  };

  useEffect(() => {
    setShown(props);
    if (props.is_looking) look('show');
  }, [props]);
  useEffect(() => {
    if (!shown.is_busy) return undefined;
    const timer = setTimeout(() => act('poll'), POLL_MS);
    return () => clearTimeout(timer);
  }, [shown]);

  return (
    <div className="rag-models">
      <section aria-label={labels.in_use}>
        {shown.tiers.map((tier) => (
          <Tier key={tier.tier} tier={tier} choose={choose} labels={labels} isBusy={isChoosing} />
        ))}
        <Problem text={shown.problem} />
        {isOpening ? <Busy text={labels.looking_machine} /> : (
          <button type="button" className="rag-act rag-to-machine" onClick={seeMachine}>
            <Cpu aria-hidden="true" />{labels.title_machine}
          </button>
        )}
      </section>
      <section>
        <header>
          <h3>{labels.found}</h3>
          {isLooking ? <Busy text={labels.looking} /> : (
            <button type="button" className="rag-act" onClick={() => look('look')}><RefreshCw aria-hidden="true" />{labels.look_again}</button>
          )}
        </header>
        {shown.groups.map((group) => (
          <Group
            key={group.address || group.title}
            group={group}
            test={test}
            tested={tested}
            remove={(address) => act('remove', address)}
            labels={labels}
          />
        ))}
        {shown.nothing ? <p className="rag-muted">{shown.nothing}</p> : null}
      </section>
      {shown.downloads.length ? (
        <section>
          <h3>{labels.fetchable}</h3>
          <ul>{shown.downloads.map((one) => <Download key={one.setting} one={one} act={act} labels={labels} />)}</ul>
        </section>
      ) : null}
      <section>
        <h3>{labels.add_server}</h3>
        <AddServer added={() => act('show')} labels={labels} />
      </section>
    </div>
  );
}
