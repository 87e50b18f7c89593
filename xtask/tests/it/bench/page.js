// What is wrong with a report's page at this width, and what it looks like. One expression.
(() => {
  document.querySelectorAll("details").forEach((folded) => { folded.open = true; });
  const root = document.documentElement, width = root.clientWidth;
  const problems = [];
  const isOutside = (box, slack) => box.left < -slack || box.right > width + slack;
  const complain = (what, box) =>
    problems.push(`${what} goes from ${Math.round(box.left)} to ${Math.round(box.right)} of ${width}`);
  if (root.scrollWidth > width) {
    problems.push(`the page is ${root.scrollWidth} wide, the window ${width}`);
  }

  // Text. What scrolls on its own, and what is cut off, are looked at as boxes.
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.data.trim() || text.parentElement.closest(".scroll, svg")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) {
      if (isOutside(box, 1)) complain(`text "${text.data.trim().slice(0, 60)}"`, box);
    }
  }
  // The box of a drawing within a drawing is that of all that is in it, cut off or not.
  const placeOf = (cut) => {
    const frame = cut.ownerSVGElement.getBoundingClientRect();
    const [from, share] = ["x", "width"].map((name) => parseFloat(cut.getAttribute(name)) / 100);
    return { left: frame.left + from * frame.width, right: frame.left + (from + share) * frame.width };
  };
  for (const text of document.querySelectorAll("svg text")) {
    const cut = text.closest(".clip"), box = text.getBoundingClientRect();
    const place = cut ? placeOf(cut) : box, name = `text "${text.textContent.slice(0, 60)}"`;
    if (isOutside(place, 2)) complain(name, place);
    // On a desktop there is room for all that is not written into a bar.
    const isCut = box.left < place.left - 2 || box.right > place.right + 2;
    if (width > 1000 && isCut && !text.matches(".on-path")) problems.push(`${name} is cut off`);
  }
  for (const box of document.querySelectorAll(".scroll, svg.plot, figure")) {
    const place = box.getBoundingClientRect();
    if (isOutside(place, 1)) complain(`<${box.nodeName} class="${box.getAttribute("class")}">`, place);
  }

  // Plots: a mark reaches a few pixels beyond the value that it stands for.
  const plots = [...document.querySelectorAll("svg.plot")];
  for (const plot of plots) {
    const frame = plot.getBoundingClientRect(), name = plot.getAttribute("aria-label").slice(0, 60);
    const points = plot.querySelectorAll("path, rect");
    // A run that was interrupted says so.
    const isSaid = plot.closest("figure").textContent.includes("There is no valid sample.");
    if (points.length === 0 && !isSaid) problems.push(`${name}: nothing is drawn`);
    for (const point of points) {
      const box = point.getBoundingClientRect();
      const isBeyond = box.left < frame.left - 6 || box.right > frame.right + 6
        || box.top < frame.top - 6 || box.bottom > frame.bottom + 6;
      if (isBeyond || isOutside(box, 0)) complain(`${name}: a ${point.getAttribute("class")}`, box);
    }
  }

  // Colours, as WCAG 2 reckons contrast.
  const luminance = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const contrast = (colour) => {
    const [more, less] = [luminance(colour), paper].sort((a, b) => b - a);
    return (more + 0.05) / (less + 0.05);
  };
  const inks = [...document.querySelectorAll("body, a, p.soft, thead th, figcaption, summary")]
    .map((element) => getComputedStyle(element).color);
  const fills = [...document.querySelectorAll("svg text:not(.on-path)")].map((text) => getComputedStyle(text).fill);
  return {
    problems,
    plots: plots.length,
    timelines: document.querySelectorAll("svg.gantt").length,
    valid: document.querySelectorAll('svg.plot path[class="dot"]').length,
    invalid: document.querySelectorAll('svg.plot path[class="invalid"]').length,
    paper,
    contrast: Math.min(...[...new Set([...inks, ...fills])].map(contrast)),
  };
})()
