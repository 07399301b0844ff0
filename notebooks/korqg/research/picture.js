// Leaves of a side-by-side page the best question and the worst one that there is room for, the best first.
() => {
  const [bests, worsts] = ["best", "worst"].map((rule) =>
    [...document.querySelectorAll(`a[data-rule="${rule}"]`)].map((link) => document.querySelector(link.hash)));
  const show = (...chosen) => {
    for (const one of document.querySelectorAll("article, .paragraph, .cards")) {
      one.hidden = !chosen.some((other) => one === other || one.contains(other));
    }
  };
  const fits = (worst) => {
    show(bests[0], worst);
    return document.querySelector("section.cards:not([hidden])")?.offsetHeight <= 420;
  };
  if (!worsts.some(fits)) show(bests[0], worsts[0]);
  const best = bests[0]?.closest(".paragraph");
  best?.parentElement.prepend(best);
  return Boolean(best && worsts.length);
}
