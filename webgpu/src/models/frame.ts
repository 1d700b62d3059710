// Puts hub.html beside the page for as long as a download needs it, and gives a line to it.

export interface HubFrame {
  readonly port: MessagePort; // takes a HubRequest with the port to answer on
  remove(): void;
}

export async function openHubFrame(): Promise<HubFrame> {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.title = "Model hub";
  // The frame is shut off by its own policy, which the service worker sends. A browser gives a
  // frame that is sandboxed from outside no service worker, so that is for where there is none.
  if (!navigator.serviceWorker?.controller) frame.setAttribute("sandbox", "allow-scripts");
  frame.src = new URL("hub.html", document.baseURI).href;
  await new Promise((resolve) => {
    frame.addEventListener("load", resolve, { once: true });
    document.body.append(frame);
  });
  const { port1, port2 } = new MessageChannel();
  // To "*", because an origin that is nobody's has no name; only this port is in the message.
  frame.contentWindow?.postMessage(null, "*", [port2]);
  return { port: port1, remove: () => frame.remove() };
}
