// Hides the leaves of the list that do not fit the answers in the form.
(() => {
  const form = document.getElementById("choose");
  const tree = document.querySelector(".choose-tree");
  if (!form || !tree) return;

  const leaves = [...tree.querySelectorAll(".choose-leaf")];
  const branches = [...tree.querySelectorAll("li:not(.choose-leaf)")];
  const questions = [...form.querySelectorAll("fieldset")].map((group) => {
    const inputs = [...group.querySelectorAll("input")];
    return { name: inputs[0].name, inputs };
  });
  const found = document.getElementById("choose-found");

  const answer = ({ inputs }) => inputs.find((input) => input.checked).value;
  const fits = (leaf, name, value) => !value || leaf.classList.contains(`${name}-${value}`);

  function update() {
    // A question offers what the answers above it leave; so no way ends nowhere.
    let left = leaves;
    for (const question of questions) {
      for (const input of question.inputs) {
        input.disabled = !left.some((leaf) => fits(leaf, question.name, input.value));
        if (input.disabled && input.checked) question.inputs[0].checked = true;
      }
      left = left.filter((leaf) => fits(leaf, question.name, answer(question)));
    }
    for (const leaf of leaves) leaf.hidden = !left.includes(leaf);
    for (const branch of branches) {
      branch.hidden = !branch.querySelector(".choose-leaf:not([hidden])");
    }
    found.textContent = left.length === 1 ? "1 answer" : `${left.length} answers`;
    return left;
  }

  function remember() {
    const query = new URLSearchParams();
    for (const question of questions) {
      if (answer(question)) query.set(question.name, answer(question));
    }
    history.replaceState(null, "", query.size ? `#${query}` : location.pathname);
  }

  function recall() {
    // Other fragments are headings of the page.
    if (location.hash && !location.hash.includes("=")) return;
    const query = new URLSearchParams(location.hash.slice(1));
    for (const { name, inputs } of questions) {
      const value = query.get(name) ?? "";
      (inputs.find((input) => input.value === value) ?? inputs[0]).checked = true;
    }
    update();
  }

  form.addEventListener("change", () => {
    update();
    remember();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const { inputs } of questions) inputs[0].checked = true;
    update();
    remember();
    questions[0].inputs[0].focus();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", recall);
  form.hidden = false;
  update();
  recall();
})();
