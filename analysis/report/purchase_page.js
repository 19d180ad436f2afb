"use strict";
// The card of a purchase: its controls and its answer in words; `purchaseWays` computes.
(() => {
  const card = document.getElementById("play");
  if (card === null) return;
  const { general, grouped, duration } = planner, { element } = cardControls;
  const data = purchaseWays.opened(JSON.parse(document.getElementById("planner-data").textContent));
  const question = { ...data.start };
  const controls = {
    target: cardControls.target(data),
    confidence: cardControls.confidence(data),
    accurate: cardControls.price(data.start.accurate || 1),
    cheap: cardControls.price(data.start.cheap || 0.001),
  };

  // The price of cheap labels matters where every accurate label takes one.
  if (data.ways.every((way) => way.cheap === 0)) card.querySelector('[data-of="cheap"]').hidden = true;

  function labels(way) {
    if (way.more === 0) return `the ${grouped(way.n)} labels owned`;
    return `${grouped(way.n)} labels of ${data.accurate.name}, ${grouped(way.more)} more than are owned (${duration(way.cost)})`;
  }

  function sentence(way) {
    if (!way.promised) return `${way.label}: not with ${grouped(way.n)} labels, probability ${way.perCent}%.`;
    return `${way.label}: ${labels(way)}; error ${way.error} ${data.unit}; probability ${way.perCent}%.`;
  }

  /** At which look the purchase could have stopped. */
  function stop(enough) {
    if (enough === null) return `No look so far was sure enough to stop, the last one with ${grouped(data.owned)} labels.`;
    const look = data.looks.findIndex(([n]) => n === enough) + 1;
    const price = duration(enough * question.accurate);
    const of = `look ${look} of ${data.looks.length}, with ${grouped(enough)} labels (${price})`;
    return enough === data.owned ? `It could have stopped at ${of}: the last one.` : `It could have stopped at ${of}.`;
  }

  function answer() {
    const { ways, enough } = purchaseWays.plan(data, question), best = ways[0];
    const place = card.querySelector("[data-answer]"), told = document.createDocumentFragment();
    const target = `${general(data.targets[question.target], 3)} ${data.unit}`;
    const wish = `${target} with a probability of at least ${question.confidence}%`;
    place.classList.toggle("refused", !best.promised);
    if (best.promised) {
      element("p", `Cheapest way to ${data.error} of ${wish}: ${best.label}.`, told, "headline");
      cardControls.facts([
        [grouped(best.more), `labels more of ${data.accurate.name}`],
        [duration(best.cost), "of CPU for these labels"],
        [`${best.perCent}%`, "probability that the target is met then"],
      ], told);
    } else {
      element("p", `Cannot be promised from this purchase: ${wish}.`, told, "headline");
    }
    const list = element("ul", "", told);
    for (const way of ways) element("li", sentence(way), list);
    element("li", stop(enough), list);
    element("p", "The same on the command line, PURCHASE being the folder of the purchase:", told, "soft");
    element("pre", cardControls.command("PURCHASE", data, question), told, "wrap");
    place.replaceChildren(told);
  }

  cardControls.wire(card, controls, question, data.start, answer);
})();
