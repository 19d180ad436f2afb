"use strict";
// Sliders and boxes of a card in which a question is moved, whatever answers it; `planner` writes the numbers.
const cardControls = (() => {
  const { general, duration } = planner;

  function nearest(values, typed) {
    let best = 0;
    values.forEach((value, at) => { if (Math.abs(value - typed) < Math.abs(values[best] - typed)) best = at; });
    return best;
  }

  /** A place among the targets that the page carries. */
  const target = (data) => ({
    min: 0, max: data.targets.length - 1, step: 1,
    toSlider: (value) => value, fromSlider: (place) => place,
    toBox: (value) => general(data.targets[value], 6),
    fromBox: (typed) => nearest(data.targets, typed),
    allowed: (typed) => Number.isFinite(typed) && typed > 0,
    say: (value) => `${general(data.targets[value], 6)} ${data.unit}`,
  });

  /** Whole per cent. */
  const confidence = (data) => ({
    min: data.perCent[0], max: data.perCent[1], step: 1,
    toSlider: (value) => value, fromSlider: (place) => place,
    fromBox: (typed) => Math.min(Math.max(Math.round(typed), data.perCent[0]), data.perCent[1]),
    allowed: Number.isFinite,
    say: (value) => `${value}%`,
  });

  /** CPU seconds, in steps of their logarithm about those that the card opens with. */
  const price = (start) => ({
    min: -2, max: 2, step: 0.02,
    toSlider: (value) => Math.log10(Math.max(value, 1e-12) / start),
    fromSlider: (place) => place === 0 ? start : Number(general(start * 10 ** place, 2)),
    allowed: (value) => Number.isFinite(value) && value >= 0,
    say: duration,
  });

  /** Let the controls of a card change `question`, which opens as `start`; `answer` is called after every change. */
  function wire(card, controls, question, start, answer) {
    for (const [name, control] of Object.entries(controls)) {
      const slider = card.querySelector(`[data-slider="${name}"]`), box = card.querySelector(`[data-box="${name}"]`);
      Object.assign(slider, { min: control.min, max: control.max, step: control.step });
      control.show = (typing) => {
        const value = question[name];
        slider.value = control.toSlider(value);
        slider.setAttribute("aria-valuetext", control.say(value));
        if (!typing) box.value = control.toBox ? control.toBox(value) : general(value, 6);
        card.querySelector(`[data-said="${name}"]`).textContent = control.say(value);
      };
      slider.addEventListener("input", () => {
        question[name] = control.fromSlider(Number(slider.value));
        control.show(false);
        answer();
      });
      box.addEventListener("input", () => {
        const typed = box.value === "" ? NaN : Number(box.value);
        const fits = control.allowed(typed);
        box.setAttribute("aria-invalid", String(!fits));
        if (!fits) return;
        question[name] = control.fromBox ? control.fromBox(typed) : typed;
        control.show(true);
        answer();
      });
      box.addEventListener("change", () => { box.setAttribute("aria-invalid", "false"); control.show(false); });
    }
    const shown = () => {
      for (const control of Object.values(controls)) control.show(false);
      answer();
    };
    card.querySelector("[data-reset]").addEventListener("click", () => { Object.assign(question, start); shown(); });
    shown();
    card.hidden = false;
    for (const link of document.querySelectorAll("[data-play]")) link.hidden = false;
  }

  function element(name, text, parent, className) {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    parent.append(made);
    return made;
  }

  /** Numbers to remember: [value, what it is]. */
  function facts(pairs, parent) {
    const list = element("dl", "", parent, "facts");
    for (const [value, what] of pairs) {
      const pair = element("div", "", list);
      element("dt", what, pair);
      element("dd", value, pair);
    }
  }

  /** The command that answers the same question; `folder` stands for the folder of the run or purchase. */
  function command(folder, data, question) {
    const quoted = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text}'`;
    const wanted = `${general(data.targets[question.target], 6)} ${data.unit}`;
    const words = [`asteroid-study plan ${folder}`, "--target", quoted(wanted.replace("Å", "A"))];
    words.push("--confidence", general(question.confidence / 100, 2));
    for (const name of ["accurate", "cheap"]) {
      if (question[name] !== data.start[name]) words.push("--price", quoted(`${data[name].level}=${question[name]}s`));
    }
    if (question.mdSteps) words.push("--md-steps", String(question.mdSteps));
    return words.join(" ");
  }

  return { target, confidence, price, wire, element, facts, command };
})();
