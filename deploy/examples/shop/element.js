// The element: the shop gives it a signature and a token, and hears what happens.
const element = document.querySelector("rubrica-sign");
const news = document.querySelector("#news");
const signature = location.pathname.split("/").pop();

async function renew() {
  const answer = await fetch(`/token/${signature}`, { method: "POST" });
  if (answer.ok) element.setAttribute("token", (await answer.json()).token);
  else news.textContent = await answer.text();
}

element.setAttribute("sign-id", signature);
element.addEventListener("rubrica-token-expiring", renew);
element.addEventListener("rubrica-signed", () => (news.textContent = "Signed: the shop goes on."));
element.addEventListener("rubrica-declined", () => (news.textContent = "Declined: the shop asks why."));
renew();
