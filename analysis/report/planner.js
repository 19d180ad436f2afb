"use strict";
// The planner of a page: what `asteroid-study plan` answers, from the table that the page carries. No library, no request.
const planner = (() => {
  // ---- numbers as Python writes them --------------------------------------------------------------------------------

  /** Digits and exponent of x > 0 rounded to `digits` digits, halves to even as Python does. */
  function rounded(x, digits) {
    const [mantissa, power] = x.toExponential(20).split("e");
    const all = mantissa.replace(".", "");
    let kept = BigInt(all.slice(0, digits));
    const rest = all.slice(digits);
    const half = "5".padEnd(rest.length, "0");
    if (rest > half || (rest === half && kept % 2n === 1n)) kept += 1n;
    let text = kept.toString(), exponent = Number(power);
    if (text.length > digits) { text = text.slice(0, digits); exponent += 1; }
    return [text, exponent];
  }

  /** Python's f"{x:.{digits}g}". */
  function general(x, digits) {
    if (x === 0) return "0";
    const [text, exponent] = rounded(Math.abs(x), digits);
    const sign = x < 0 ? "-" : "";
    const trim = (number) => number.includes(".") ? number.replace(/0+$/, "").replace(/\.$/, "") : number;
    if (exponent < -4 || exponent >= digits) {
      const size = String(Math.abs(exponent)).padStart(2, "0");
      return `${sign}${trim(`${text[0]}.${text.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${size}`;
    }
    if (exponent < 0) return sign + trim(`0.${"0".repeat(-exponent - 1)}${text}`);
    return sign + trim(`${text.slice(0, exponent + 1)}.${text.slice(exponent + 1)}`);
  }

  /** Python's f"{n:,}" of a whole number. */
  const grouped = (n) => n.toString().replace(/\B(?=(\d{3})+$)/g, ",");

  const SECONDS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  /** Seconds as people say them: `analysis.names.duration`. */
  function duration(seconds) {
    const [unit, size] = SECONDS.find(([, own]) => own <= seconds) ?? ["s", 1];
    if (seconds < 100 * size) return `${general(seconds / size, 2)} ${unit}`;
    return `${grouped(Math.round(seconds / 86400))} d`;
  }

  // ---- the plan -----------------------------------------------------------------------------------------------------

  function unpacked(text, bits) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer), size = bits / 8;
    const read = { 1: (at) => view.getUint8(at), 2: (at) => view.getUint16(at, true), 4: (at) => view.getUint32(at, true) };
    return Array.from({ length: bytes.length / size }, (_, at) => read[size](at * size));
  }

  /** Unpack what the page carries, once. */
  function opened(data) {
    for (const option of data.options) {
      option.counts = unpacked(option.n, data.bits);
      option.chances = unpacked(option.chance, option.between ? 8 : 16);
    }
    data.columns = data.perCent[1] - data.perCent[0] + 2;
    return data;
  }

  /** CPU seconds of the accurate and of the cheap labels of an option with n accurate labels. */
  function price(data, option, n, question) {
    const [frames, labels, atAccurate] = option.buys;
    const level = option.level ?? { label: null, sampling: data.cheap.sampling, nBetween: 0, fixed: 0 };
    const each = level.label ?? question.cheap;
    const above = n + level.nBetween;
    const labelled = labels * option.nCheap + atAccurate * above, sampled = frames * option.nCheap;
    const both = Math.min(labelled, sampled);
    const rest = (labelled - both) * each + (sampled - both) * level.sampling;
    return [n * question.accurate, both * (each + level.sampling) + rest + level.fixed];
  }

  function priced(data, option, question) {
    const row = question.target * data.columns;
    const column = question.confidence - data.perCent[0] + 1;
    const labels = (place) => option.counts[row + place] - 1;
    const promised = labels(column) >= 0;
    const n = promised ? labels(column) : option.most;
    const [accurate, cheap] = price(data, option, n, question);
    const use = question.mdSteps ? (option.use === null ? NaN : question.mdSteps * option.use) : 0;
    let chance = option.atMost[question.target], perCent;
    if (promised && option.between) { perCent = option.chances[row + column]; chance = perCent / 100; }
    else {
      if (promised) chance = option.chances[row + column] / data.draws;
      perCent = Math.round(100 * chance); // counts of draws: never half a per cent
    }
    perCent = Math.min(Math.max(perCent, 1), 99); // nobody knows that something is certain or impossible
    const interval = data.interval.map((place) => labels(place)).map((own) => own < 0 ? null : own);
    const pool = data.pool === null ? Infinity : data.pool;
    const status = [...option.status];
    const when = (holds, caveat) => { if (holds) status.push(caveat); };
    when(n > option.largest, "extrapolated");
    when(n > option.largest && question.target < option.trainingLimit, "training_limit");
    when(promised && n === option.smallest && option.smallest > 0, "smallest_budget");
    when(n > pool, "beyond_pool");
    when(option.largest > pool / 2, "overlapping_subsets");
    when(Number.isNaN(use), "use_not_measured");
    when(!promised, "cannot_be_promised");
    return {
      option, promised, n, chance, perCent, accurate, cheap, use, status,
      cost: accurate + cheap,
      total: accurate + cheap + (Number.isNaN(use) ? Infinity : use),
      interval,
      intervalCost: interval.map((own) => {
        if (own === null) return null;
        const [a, c] = price(data, option, own, question);
        return a + c;
      }),
    };
  }

  const rank = (own) => own.promised ? [0, own.total, own.n, -own.chance] : [1, -own.chance, own.cost];

  function earlier(a, b) {
    const left = rank(a), right = rank(b);
    for (let at = 0; at < Math.min(left.length, right.length); at++) {
      if (left[at] !== right[at]) return left[at] < right[at] ? -1 : 1;
    }
    return 0;
  }

  /**
   * The plan for a question: { target: place in data.targets, confidence: per cent, accurate, cheap: CPU seconds of a
   * label, mdSteps }.
   */
  function plan(data, question) {
    const all = data.options.map((option) => priced(data, option, question));
    const run = all.filter((own) => !own.option.between);
    const cheapest = Math.min(Infinity, ...run.filter((own) => own.promised).map((own) => own.total));
    const between = all.filter((own) => own.option.between && own.promised && own.total < data.worthIt * cheapest);
    const best = new Map();
    for (const own of [...run, ...between]) {
      const known = best.get(own.option.strategy);
      if (known === undefined || earlier(own, known) < 0) best.set(own.option.strategy, own);
    }
    const ranked = [...best.values()].sort(earlier);
    const choice = ranked[0].promised ? ranked[0] : null;
    const alternatives = ranked.filter((own) => own !== choice);
    const base = ranked.find((own) => own.promised && own.option.strategy === data.baseline.strategy);
    let saving = null;
    if (choice !== null && base !== undefined && Number.isFinite(choice.total) && Number.isFinite(base.total)) {
      saving = { factor: choice.total > 0 ? base.total / choice.total : null, cpu_s: base.total - choice.total };
    }
    const status = [...data.runCaveats, ...(choice === null ? ["cannot_be_promised"] : choice.status)];
    return { choice, alternatives, saving, status };
  }

  return { general, grouped, duration, unpacked, opened, plan };
})();
if (typeof module !== "undefined") module.exports = planner;
