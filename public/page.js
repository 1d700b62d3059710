// Before the chat starts: follow the system's theme, tell the language, and let the header's
// buttons open a panel beside the chat (app.py, window_message).
if (!localStorage.getItem('vite-ui-theme')) localStorage.setItem('vite-ui-theme', 'system');
document.documentElement.lang = navigator.language;

const PANELS = ['documents', 'models'];
const ROOT = new URL('..', document.currentScript.src).pathname; // below a proxy's path, perhaps
const ROMANIAN = { Documents: 'Documente', Models: 'Modele', 'In the browser': 'În browser' };

document.addEventListener('click', (event) => {
  const page = event.target.closest('a[href="/webgpu/"]');
  if (page) page.href = `${ROOT}webgpu/`;
  const panel = PANELS.find((one) =>
    event.target.closest(`a[href="#${one}"], button:has(> a[href="#${one}"])`));
  if (!panel) return;
  event.preventDefault();
  window.postMessage(panel, window.location.origin);
});

// On a phone Chainlit's panel is a dialog that overwrites the id of its own title: give it a title.
new MutationObserver(() => {
  const dialog = document.querySelector('[role="dialog"][aria-labelledby]:has(#side-view-title)');
  const id = dialog && dialog.getAttribute('aria-labelledby');
  if (!id || document.getElementById(id)) return;
  const title = document.createElement('span');
  title.id = id;
  title.className = 'sr-only';
  title.textContent = document.getElementById('side-view-title').textContent;
  dialog.append(title);
}).observe(document, { childList: true, subtree: true });

if (navigator.language.toLowerCase().startsWith('ro')) {
  new MutationObserver(() => {
    for (const link of [...PANELS.map((panel) => `#${panel}`), '/webgpu/']) {
      const label = document.querySelector(`a[href="${link}"] span`);
      if (label && ROMANIAN[label.textContent]) label.textContent = ROMANIAN[label.textContent];
    }
  }).observe(document, { childList: true, subtree: true });
}
