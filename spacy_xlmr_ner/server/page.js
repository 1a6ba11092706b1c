"use strict";

const find = (id) => document.getElementById(id);
let answer = null;

function isShown(ent) {
  return ent.score === null || ent.score >= Number(find("threshold").value);
}

// The answer as it is at the threshold; nothing is asked anew. displacy draws entities in the order of the list.
function show() {
  find("least").value = Number(find("threshold").value).toFixed(2);
  if (answer === null) return;
  find("drawn").querySelectorAll("mark.entity").forEach((mark, i) => mark.classList.toggle("off", !isShown(answer.ents[i])));
  const shown = answer.ents.filter(isShown);
  find("count").textContent = `${shown.length} of ${answer.ents.length} entities`;
  find("json").textContent = JSON.stringify({ text: answer.text, ents: shown }, null, 2);
}

function fillPieces() {
  const rows = [0, 1].map((part) => {
    const row = document.createElement("tr");
    for (const pair of answer.pieces) {
      const cell = document.createElement("td");
      cell.textContent = pair[part];
      if (part === 1 && pair[1] === "O") cell.className = "O";
      row.append(cell);
    }
    return row;
  });
  find("pieces").tBodies[0].replaceChildren(...rows);
}

async function ask() {
  find("go").disabled = true;
  find("error").hidden = true;
  try {
    const response = await fetch("/tag", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: find("text").value }),
    });
    const found = await response.json();
    if (!response.ok) throw new Error(found.error);
    answer = found;
    find("drawn").innerHTML = answer.html; // text and labels are escaped there
    fillPieces();
    find("result").hidden = false;
    show();
  } catch (error) {
    find("error").textContent = error instanceof TypeError ? "The server does not answer. Was it stopped?" : error.message;
    find("error").hidden = false;
  } finally {
    find("go").disabled = false;
  }
}

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
find("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
});
find("threshold").addEventListener("input", show);
find("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(find("json").textContent);
  find("copy").textContent = "Copied";
  setTimeout(() => (find("copy").textContent = "Copy"), 1500);
});
