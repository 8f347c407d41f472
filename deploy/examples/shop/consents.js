// The element: the shop gives it a token and the customer's address, and hears what was chosen.
const element = document.querySelector("rubrica-consents");
const news = document.querySelector("#news");

async function renew() {
  const answer = await fetch("/consents-token", { method: "POST" });
  if (!answer.ok) return void (news.textContent = await answer.text());
  const { token, ip } = await answer.json();
  element.setAttribute("ip", ip);
  element.setAttribute("token", token);
}

element.addEventListener("rubrica-consents-token-expiring", renew);
element.addEventListener("rubrica-consents-changed", ({ detail }) => {
  const accepted = detail.selections.filter(({ choice }) => choice === 0).map(({ id }) => id);
  news.textContent = `Saved. Accepted now: ${accepted.join(", ") || "nothing"}.`;
});
renew();
