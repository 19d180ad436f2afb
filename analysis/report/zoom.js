"use strict";
// A figure of the page in a window of its own, larger and larger; Escape, or a click beside it, closes it.
(() => {
  const STEPS = [1, 1.5, 2, 3, 4, 6, 8];
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  const bar = document.createElement("div"), frame = document.createElement("div"), image = document.createElement("img");
  const title = document.createElement("strong");
  bar.className = "bar";
  frame.className = "frame";
  let step = 0;

  /** Pixels in which the whole figure just fits. */
  function fit() {
    const ratio = image.naturalWidth / image.naturalHeight || 1;
    return Math.min(frame.clientWidth, frame.clientHeight * ratio);
  }

  function button(text, name, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", action);
    bar.append(made);
  }

  /** Zoom so that what lies at the point (shares of the image) stays where it is. */
  function zoom(by, x = 0.5, y = 0.5) {
    step = Math.min(Math.max(step + by, 0), STEPS.length - 1);
    const before = [frame.clientWidth * x, frame.clientHeight * y];
    const at = [(frame.scrollLeft + before[0]) / image.clientWidth, (frame.scrollTop + before[1]) / image.clientHeight];
    image.style.width = `${fit() * STEPS[step]}px`;
    frame.scrollLeft = at[0] * image.clientWidth - before[0];
    frame.scrollTop = at[1] * image.clientHeight - before[1];
  }

  function open(figure) {
    const shown = figure.querySelector("img");
    image.src = shown.src;
    image.alt = shown.alt;
    image.dataset.readings = shown.dataset.readings;
    title.textContent = figure.querySelector("h3").textContent;
    step = 0;
    dialog.showModal();
    image.style.width = `${fit()}px`;
    image.decode().then(() => { if (step === 0) image.style.width = `${fit()}px`; });
    frame.focus();
  }

  bar.append(title);
  button("−", "Smaller", () => zoom(-1));
  button("+", "Larger", () => zoom(1));
  button("×", "Close", () => dialog.close());
  frame.tabIndex = 0;
  frame.append(image);
  dialog.append(bar, frame);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") zoom(1);
    if (event.key === "-") zoom(-1);
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // without it the wheel scrolls, as everywhere
    event.preventDefault();
    const own = frame.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1 : -1, (event.clientX - own.left) / own.width, (event.clientY - own.top) / own.height);
  }, { passive: false });
  image.addEventListener("dblclick", (event) => {
    const own = frame.getBoundingClientRect();
    zoom(1, (event.clientX - own.left) / own.width, (event.clientY - own.top) / own.height);
  });
  document.body.append(dialog);

  for (const figure of document.querySelectorAll("figure")) {
    const shown = figure.querySelector("img");
    const opener = document.createElement("button");
    opener.type = "button";
    opener.className = "opener";
    opener.setAttribute("aria-label", `Zoom into the figure: ${figure.querySelector("h3").textContent}`);
    opener.title = "Zoom";
    opener.addEventListener("click", () => open(figure));
    shown.replaceWith(opener);
    opener.append(shown);
  }
})();
