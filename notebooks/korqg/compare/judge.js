(() => {
  "use strict";
  // Questions are judged one by one, without their makers: nothing is loaded and nothing is sent.
  const part = (name) => document.querySelector(`#judge [data-part="${name}"]`);
  const questions = JSON.parse(part("data").textContent);
  const { key, made } = part("data").dataset;
  const dialog = part("dialog");
  const verdicts = Array.from(dialog.querySelectorAll("[data-verdict]"));
  const none = () => new Array(questions.length).fill(null);
  let marks = none(); // 1, 2, 3, or null where a question is not judged yet
  let at = 0;

  // Storage may be forbidden, for instance to a page that is opened from a file.
  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(key));
      const fits = Array.isArray(kept) && kept.length === marks.length;
      if (fits && kept.every((mark) => [1, 2, 3, null].includes(mark))) marks = kept;
    } catch {
      // nothing was kept
    }
  }

  function keep() {
    try {
      localStorage.setItem(key, JSON.stringify(marks));
    } catch {
      part("unkept").hidden = false;
    }
  }

  function label() {
    const count = marks.filter((mark) => mark !== null).length;
    const wanted = count === 0 ? 0 : count < marks.length ? 1 : 2; // start, continue, look again
    const words = part("start").querySelectorAll("span:not([data-part])");
    words.forEach((span, place) => (span.hidden = place !== wanted));
    part("so-far").textContent = count ? `(${count} / ${marks.length})` : "";
  }

  function show() {
    const done = at === questions.length;
    const place = `${Math.min(at + 1, questions.length)} / ${questions.length}`;
    const { passage, question, answer } = done ? {} : questions[at];
    part("progress").textContent = part("place").textContent = place;
    part("passage").textContent = passage ?? "";
    part("asked").textContent = question ?? "";
    part("answer").textContent = answer || "-";
    part("card").hidden = part("verdicts").hidden = done;
    part("last").hidden = !done;
    part("back").disabled = at === 0;
    for (const button of verdicts) {
      button.setAttribute("aria-pressed", String(!done && marks[at] === Number(button.dataset.verdict)));
    }
    if (done) part("stop").focus();
    else if (!dialog.contains(document.activeElement) || at === 0) part("question").focus();
    dialog.scrollTop = 0;
  }

  function judge(verdict) {
    if (at === questions.length) return;
    marks[at] = verdict;
    keep();
    at += 1;
    show();
  }

  function back() {
    if (at === 0) return;
    at -= 1;
    show();
  }

  function fill(name, rows) {
    const lines = rows.map((cells) => {
      const line = document.createElement("tr");
      line.append(
        ...cells.map((text, place) => {
          const cell = document.createElement(place ? "td" : "th");
          if (!place) cell.scope = "row";
          cell.textContent = text;
          return cell;
        }),
      );
      return line;
    });
    part(name).replaceChildren(...lines);
  }

  // What is not judged yet stays without its maker, so that judging can go on after a look at the results.
  function report() {
    const [makers, of] = JSON.parse(atob(made));
    const percent = (some, all) => (all.length ? ((100 * some.length) / all.length).toFixed(1) : "-");
    const judged = Array.from(questions.keys()).filter((place) => marks[place] !== null);
    const shares = makers.map((maker, number) => {
      const own = judged.filter((place) => of[place].includes(number)).map((place) => marks[place]);
      const good = [1, 2].map((worst) => own.filter((mark) => mark <= worst));
      return [maker, String(own.length), ...good.map((some) => percent(some, own))];
    });
    const list = judged.map((place) => [
      questions[place].number,
      questions[place].question,
      of[place].map((number) => makers[number]).join("\n"),
      verdicts[marks[place] - 1].querySelector("span").textContent,
    ]);
    fill("shares", shares);
    fill("list", list);
    part("judged").textContent = `${judged.length} / ${questions.length}`;
    part("results").hidden = false;
    label();
  }

  function save() {
    const five = (mark) => [null, null, null, ...(mark ? [Number(mark === 1), Number(mark <= 2)] : [null, null])];
    const rows = questions.map(({ number }, place) => [number, five(marks[place])]);
    const text = JSON.stringify({ reader: "", ratings: Object.fromEntries(rows) });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "application/json" }));
    link.download = "ratings.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  part("start").addEventListener("click", () => {
    const next = marks.indexOf(null);
    at = next < 0 ? questions.length : next;
    part("results").hidden = true;
    dialog.showModal();
    show();
  });
  // Escape closes the dialog too.
  dialog.addEventListener("close", () => {
    report();
    part("results-title").focus();
  });
  part("stop").addEventListener("click", () => dialog.close());
  part("back").addEventListener("click", back);
  for (const button of verdicts) button.addEventListener("click", () => judge(Number(button.dataset.verdict)));
  part("save").addEventListener("click", save);
  part("erase").addEventListener("click", () => {
    if (!confirm(part("erase").dataset.ask)) return;
    marks = none();
    keep();
    part("results").hidden = true;
    label();
    part("start").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (!dialog.open || event.altKey || event.ctrlKey || event.metaKey) return;
    // A key that is held down judges one question, not the next ones too.
    if (event.repeat && ["Enter", "Backspace", "ArrowLeft", "1", "2", "3"].includes(event.key)) event.preventDefault();
    else if (["1", "2", "3"].includes(event.key)) judge(Number(event.key));
    else if (["Backspace", "ArrowLeft"].includes(event.key)) back();
    else return;
    event.preventDefault();
  });
  recall();
  label();
  part("needed").hidden = true;
  part("start").hidden = false;
  if (!marks.includes(null)) report();
})();
