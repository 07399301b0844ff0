// Leaves of a side-by-side page the best and the worst question by the page's own rule, the best first.
() => {
  const chosen = ["best", "worst"].map((rule) => document.querySelector(`a[data-rule="${rule}"]`)?.hash).filter(Boolean)
    .map((hash) => document.querySelector(hash));
  for (const one of document.querySelectorAll("article, .paragraph, .cards")) {
    one.hidden = !chosen.some((other) => one === other || one.contains(other));
  }
  const best = chosen[0]?.closest(".paragraph");
  best?.parentElement.prepend(best);
  return chosen.length === 2;
}
