// Before the chat starts: follow the system's theme, tell the language, and let the header's
// button open the list of documents (app.py, window_message).
if (!localStorage.getItem('vite-ui-theme')) localStorage.setItem('vite-ui-theme', 'system');
document.documentElement.lang = navigator.language;

const ROMANIAN = { Documents: 'Documente' };

document.addEventListener('click', (event) => {
  if (!event.target.closest('a[href="#documents"], button:has(> a[href="#documents"])')) return;
  event.preventDefault();
  window.postMessage('documents', window.location.origin);
});

if (navigator.language.toLowerCase().startsWith('ro')) {
  new MutationObserver(() => {
    const label = document.querySelector('a[href="#documents"] span');
    if (label && ROMANIAN[label.textContent]) label.textContent = ROMANIAN[label.textContent];
  }).observe(document, { childList: true, subtree: true });
}
