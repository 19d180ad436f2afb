"use strict";
// Values at the pointer: a figure carries its axes and points (`analysis.figures.readings`) in data-readings.
(() => {
  const NEAR = 14; // pixels from a point within which that point is read instead of the place
  const tip = document.createElement("div"), ring = document.createElement("div");
  tip.className = "reading";
  ring.className = "ring";
  tip.hidden = ring.hidden = true;
  tip.setAttribute("aria-hidden", "true"); // the numbers of every figure are in its CSV and in its words
  const known = new Map();

  /** A number with a few significant digits. */
  const said = (value, digits) => Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4)
    ? String(Number(value.toPrecision(digits)))
    : value.toLocaleString("en-US", { maximumSignificantDigits: digits });

  /** The value of an axis at a share of its length. */
  function value(axis, share) {
    const [low, high] = axis.log ? axis.ends.map(Math.log) : axis.ends;
    const at = low + share * (high - low);
    return axis.log ? Math.exp(at) : at;
  }

  /** The value of an axis in words: the nearest tick where its ticks are words. */
  function words(axis, at, digits) {
    if (!axis.ticks.length) return said(at, digits);
    return axis.ticks.reduce((best, own) => Math.abs(own[0] - at) < Math.abs(best[0] - at) ? own : best)[1];
  }

  /** Place of `at` in rising values, and how far it is to the next one on a logarithmic or linear axis. */
  function between(values, at, log) {
    const scale = log ? Math.log : (x) => x;
    const next = values.findIndex((own) => own >= at);
    const place = next < 0 ? values.length - 1 : Math.max(next, 1);
    const [low, high] = [scale(values[place - 1]), scale(values[place])];
    return [place, Math.min(Math.max((scale(at) - low) / (high - low), 0), 1)];
  }

  function mapped(map, axes, x, y) {
    const [i, across] = between(map.x, x, axes.x.log), [j, along] = between(map.y, y, axes.y.log);
    const row = (k) => map.values[k][i - 1] * (1 - across) + map.values[k][i] * across;
    return row(j - 1) * (1 - along) + row(j) * along;
  }

  /** What lies at shares of a picture of some width and height in pixels: lines [value, what it is], and a point. */
  function read(all, across, down, width, height) {
    const axes = all.find(({ box }) => box[0] <= across && across <= box[2] && box[1] <= down && down <= box[3]);
    if (axes === undefined) return null;
    let best = { far: NEAR };
    for (const { name, at } of axes.points) for (const point of at) {
      const far = Math.hypot((point[0] - across) * width, (point[1] - down) * height);
      if (far < best.far) best = { far, name, point };
    }
    const [left, top, right, bottom] = axes.box;
    const [x, y] = best.point ? best.point.slice(2)
      : [value(axes.x, (across - left) / (right - left)), value(axes.y, (bottom - down) / (bottom - top))];
    const digits = best.point ? 4 : 3;
    const lines = [[words(axes.x, x, digits), axes.x.name], [words(axes.y, y, digits), axes.y.name]];
    if (axes.map) lines.push([said(mapped(axes.map, axes, x, y), 3), axes.map.name]);
    return { name: best.name ?? "", lines, point: best.point };
  }

  function hide() { tip.hidden = ring.hidden = true; }

  function show(event) {
    const image = event.target instanceof Element ? event.target.closest("img[data-readings]") : null;
    if (image === null) return hide();
    const text = image.dataset.readings;
    if (!known.has(text)) known.set(text, JSON.parse(text));
    const own = image.getBoundingClientRect();
    const found = read(known.get(text), (event.clientX - own.left) / own.width, (event.clientY - own.top) / own.height,
      own.width, own.height);
    if (found === null) return hide();
    tip.replaceChildren();
    const add = (tag, words, parent) => parent.appendChild(Object.assign(document.createElement(tag), { textContent: words }));
    if (found.name) add("strong", found.name, tip);
    for (const [number, name] of found.lines) {
      const line = add("div", "", tip);
      add("b", number, line);
      line.append(` ${name}`);
    }
    (image.closest("dialog") ?? document.body).append(tip, ring);
    tip.hidden = false;
    const wide = tip.offsetWidth, high = tip.offsetHeight;
    const left = event.clientX + 16 + wide < innerWidth ? event.clientX + 16 : Math.max(event.clientX - 16 - wide, 4);
    const top = event.clientY + 16 + high < innerHeight ? event.clientY + 16 : Math.max(event.clientY - 16 - high, 4);
    Object.assign(tip.style, { left: `${left}px`, top: `${top}px` });
    ring.hidden = found.point === undefined;
    if (found.point) {
      const [x, y] = [own.left + found.point[0] * own.width, own.top + found.point[1] * own.height];
      Object.assign(ring.style, { left: `${x}px`, top: `${y}px` });
    }
  }

  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", hide, true);
  document.addEventListener("pointerleave", hide);
})();
