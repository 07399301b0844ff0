// Leaves of a side-by-side page the best question and the worst one that there is room for, the best first.
() => {
  const [bests, worsts] = ["best", "worst"].map((rule) =>
    [...document.querySelectorAll(`a[data-rule="${rule}"]`)].map((link) => document.querySelector(link.hash)));
  const show = (...chosen) => {
    for (const one of document.querySelectorAll("article, .paragraph, .cards")) {
      one.hidden = !chosen.some((other) => one === other || one.contains(other));
    }
  };
  const fits = (best, worst) => {
    show(best, worst);
    return document.querySelector("section.cards:not([hidden])")?.offsetHeight <= 420;
  };
  const fitting = bests.find((one) => worsts.some((worst) => fits(one, worst)));
  if (!fitting) show(bests[0], worsts[0]);
  const best = (fitting ?? bests[0])?.closest(".paragraph");
  best?.parentElement.prepend(best);
  return Boolean(best && worsts.length);
}
