"""What a page must have so that everybody can use it, as functions for the browser."""

# What can be used or jumped to, and has no name.
UNNAMED = """() => {
  const named = (one) => one.getAttribute("aria-label") || one.labels?.[0]?.textContent.trim()
    || one.textContent.trim() || document.getElementById(one.getAttribute("aria-labelledby"));
  const all = "button, a[href], input, select, textarea, summary, section, [role=region], progress";
  return [...document.querySelectorAll(all)]
    .filter((one) => one.checkVisibility() && !named(one)).map((one) => one.outerHTML);
}"""
# Ids that occur again.
TWICE = """() => [...document.querySelectorAll("[id]")].map((one) => one.id)
  .filter((id, at, all) => all.indexOf(id) !== at)"""
# Of the headings, in order.
LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4")]
  .filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))"""
# Text with a contrast under 4.5 (WCAG 2.2, 1.4.3) against all the backgrounds behind it, blended.
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const painted = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (one) => one
    ? [...behind(one.parentElement), getComputedStyle(one).backgroundColor] : [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = new Set();
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility()) continue;
    if (one.closest(":disabled, script, option")) continue;
    const backgrounds = behind(one);
    const pair = [painted(backgrounds), painted([...backgrounds, getComputedStyle(one).color])];
    const [more, less] = pair.map(light).sort((a, b) => b - a);
    const ratio = (more + 0.05) / (less + 0.05);
    if (ratio < 4.5) faint.add(`${one.className} ${ratio.toFixed(2)} ${one.textContent}`);
  }
  return [...faint];
}"""
