// Before the chat starts: follow the system's theme, tell the language, and let the header's
// buttons open a panel beside the chat (app.py, window_message).
if (!localStorage.getItem('vite-ui-theme')) localStorage.setItem('vite-ui-theme', 'system');
document.documentElement.lang = navigator.language;

const PANELS = ['documents', 'models'];
const ROMANIAN = { Documents: 'Documente', Models: 'Modele' };

document.addEventListener('click', (event) => {
  const panel = PANELS.find((one) =>
    event.target.closest(`a[href="#${one}"], button:has(> a[href="#${one}"])`));
  if (!panel) return;
  event.preventDefault();
  window.postMessage(panel, window.location.origin);
});

if (navigator.language.toLowerCase().startsWith('ro')) {
  new MutationObserver(() => {
    for (const panel of PANELS) {
      const label = document.querySelector(`a[href="#${panel}"] span`);
      if (label && ROMANIAN[label.textContent]) label.textContent = ROMANIAN[label.textContent];
    }
  }).observe(document, { childList: true, subtree: true });
}
