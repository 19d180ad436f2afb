"use strict";
// The card's controls and its answer in words; `planner` computes.
(() => {
  const card = document.getElementById("play");
  if (card === null) return;
  const { general, grouped, duration } = planner, { element } = cardControls;
  const data = planner.opened(JSON.parse(document.getElementById("planner-data").textContent));
  const question = { ...data.start };

  const MD_FROM = 3, MD_TO = 11; // powers of ten
  const controls = {
    target: cardControls.target(data),
    confidence: cardControls.confidence(data),
    accurate: cardControls.price(data.start.accurate || 1),
    cheap: cardControls.price(data.start.cheap || 0.001),
    mdSteps: {
      min: MD_FROM, max: MD_TO, step: 0.1,
      toSlider: (value) => value > 0 ? Math.log10(value) : MD_FROM,
      fromSlider: (place) => place <= MD_FROM ? 0 : Number(general(10 ** place, 2)),
      allowed: (value) => Number.isFinite(value) && value >= 0,
      say: (value) => value ? `${general(value, 3)} MD steps` : "the price of prediction does not enter",
    },
  };

  // MD steps cannot be priced where no prediction was timed.
  if (data.options.every((option) => option.use === null)) card.querySelector('[data-of="mdSteps"]').hidden = true;

  function levelOf(own) {
    return own.option.level ?? data.cheap;
  }

  function purchase(own) {
    const level = levelOf(own);
    let labels = `${grouped(own.n)} labels of ${data.accurate.name}`;
    if (level.nBetween) labels += `${own.option.nCheap ? "," : " and"} ${grouped(level.nBetween)} labels of ${level.between}`;
    if (own.option.nCheap) return `${labels} and ${grouped(own.option.nCheap)} frames of ${level.name}`;
    return own.cheap > 0 && !level.nBetween ? `${labels}, each with a label of ${level.name}` : labels;
  }

  function interval(own) {
    if (own.n === 0) return "No accurate labels, so the price has no interval.";
    const [early, late] = own.interval.map((n, at) => n === null ? null : `${grouped(n)} labels (${duration(own.intervalCost[at])})`);
    if (early !== null && early === late) return `For 95% of runs it takes ${late}, and no fewer for 5%.`;
    return `5% of runs would need no more than ${early ?? "beyond the range"}; for 95% of runs it takes ` +
      `${late ?? "more labels than this curve may speak about"}.`;
  }

  function training(own) {
    let [nearestBudget, seconds] = own.option.trained[0];
    for (const [n, known] of own.option.trained) {
      if (Math.abs(n - own.n) < Math.abs(nearestBudget - own.n)) [nearestBudget, seconds] = [n, known];
    }
    if (seconds === null) return null;
    return `Training, not in this price: ${duration(seconds)} on one core (measured at ${grouped(nearestBudget)} labels).`;
  }

  function use(own) {
    const { level } = levelOf(own);
    const runs = own.option.runsCheap ? `, ${level} at every prediction included` : "";
    if (own.option.use === null) return own.option.runsCheap ? `It runs ${level} at every prediction.` : null;
    const each = `${general(own.option.use, 2)} CPU s per predicted frame${runs}`;
    if (!question.mdSteps) return `Use, not in this price: ${each}.`;
    return `Use, weighed with the labels: ${duration(own.use)} for ${general(question.mdSteps, 3)} MD steps, ${each}.`;
  }

  function saving(found) {
    const against = `Saving against ${data.baseline.name}`;
    if (found.saving === null) return `${against}: unknown, that strategy cannot be promised from this sweep.`;
    if (found.choice.option.strategy === data.baseline.strategy) return `${against}: none, that is the cheapest way.`;
    const times = found.saving.factor === null ? "" : `${general(found.saving.factor, 2)} times cheaper, `;
    return `${against}: ${times}${duration(found.saving.cpu_s)} of CPU.`;
  }

  function refusal(own) {
    const { largest, most } = own.option;
    const sampled = own.status.includes("sampled_budgets_only");
    let reach = `even with ${grouped(own.n)} labels, ${largest ? general(own.n / largest, 2) : ""} times the largest budget`;
    if (largest === 0) reach = "without accurate labels";
    else if (sampled) reach = `at the largest budget, ${grouped(most)} labels`;
    return `${own.option.label}: ${own.perCent}% ${reach}.`;
  }

  function answer() {
    const found = planner.plan(data, question), { choice } = found;
    const place = card.querySelector("[data-answer]"), told = document.createDocumentFragment();
    const wish = `${data.error} of ${controls.target.say(question.target)} in one new run with a probability of at least ` +
      `${question.confidence}%`;
    place.classList.toggle("refused", choice === null);
    if (choice === null) {
      element("p", `Cannot be promised from this sweep: ${wish}.`, told, "headline");
      const list = element("ul", "", told);
      for (const own of found.alternatives) element("li", refusal(own), list);
    } else {
      element("p", `Cheapest way to ${wish}: ${choice.option.label}.`, told, "headline");
      cardControls.facts([
        [grouped(choice.n), `labels of ${data.accurate.name}`],
        [grouped(choice.option.nCheap), `frames of ${levelOf(choice).name}`],
        ...(levelOf(choice).nBetween ? [[grouped(levelOf(choice).nBetween), `labels of ${levelOf(choice).between}`]] : []),
        [duration(choice.cost), "of CPU for these labels"],
        [`${choice.perCent}%`, "probability that one new run meets the target"],
      ], told);
      const list = element("ul", "", told);
      const second = found.alternatives.find((own) => own.promised);
      const runnerUp = second === undefined
        ? "Runner-up: none, no other strategy with finished runs can promise the target."
        : `Runner-up: ${second.option.label}, ${purchase(second)}, ${duration(second.cost)}; probability ${second.perCent}%.`;
      for (const line of [interval(choice), training(choice), use(choice), runnerUp, saving(found)]) {
        if (line !== null) element("li", line, list);
      }
    }
    const caveats = found.status.filter((slug) => slug !== "cannot_be_promised");
    if (caveats.length) {
      const box = element("details", "", told);
      element("summary", `${caveats.length} ${caveats.length === 1 ? "caveat" : "caveats"}`, box);
      const list = element("ul", "", box);
      for (const slug of caveats) element("li", data.caveats[slug], list);
    }
    element("p", "The same on the command line, RUN being the folder of the run:", told, "soft");
    element("pre", cardControls.command("RUN", data, question), told, "wrap");
    const open = place.querySelector("details")?.open ?? false;
    place.replaceChildren(told);
    const details = place.querySelector("details");
    if (details !== null) details.open = open;
  }

  cardControls.wire(card, controls, question, data.start, answer);
})();
