"use strict";
// Filters and search of the side-by-side page: cards are shown or hidden, nothing is loaded and nothing is sent.
const controls = document.getElementById("controls");
const [search, show, run] = ["search", "show", "run"].map((id) => document.getElementById(id));
const cards = Array.from(document.querySelectorAll("article"), (card) => ({ card, text: null }));
const around = document.querySelectorAll("div.paragraph, section.cards");

function plain(text) {
  return text.normalize("NFC").toLowerCase().replace(/\s+/g, " ").trim();
}

// data-better, data-worse and data-failed hold the numbers of the runs, split by blanks.
function passes(card) {
  if (show.value === "all") return true;
  const runs = (card.dataset[show.value] || "").split(" ").filter(Boolean);
  return run.value === "any" ? runs.length > 0 : runs.includes(run.value);
}

function update() {
  const words = plain(search.value).split(" ").filter(Boolean);
  let shown = 0;
  for (const entry of cards) {
    if (words.length && entry.text === null) {
      const paragraph = Array.from(entry.card.parentElement.querySelectorAll(":scope > :not(article)"));
      entry.text = plain([...paragraph, entry.card].map((part) => part.textContent).join(" "));
    }
    const wanted = passes(entry.card) && words.every((word) => entry.text.includes(word));
    entry.card.hidden = !wanted;
    shown += wanted;
  }
  for (const one of around) one.hidden = !one.querySelector("article:not([hidden])");
  run.disabled = show.value === "all";
  document.getElementById("count").textContent = `${shown} of ${cards.length} questions · 질문 ${shown}개`;
}

controls.hidden = false;
controls.addEventListener("input", update);
controls.addEventListener("reset", () => setTimeout(update));
controls.addEventListener("submit", (event) => event.preventDefault());
// A link to a question that a filter hides shows all of them first.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#p"]');
  if (link && document.querySelector(link.getAttribute("href"))?.hidden) {
    controls.reset();
    update();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    search.focus();
  }
});
update();
