// The frame: the shop sends it a token once it is there, and gives it the height that it asks for.
const { rubrica, organization } = document.querySelector("script[data-rubrica]").dataset;
const news = document.querySelector("#news");
const signature = location.pathname.split("/").pop();

/** A UUID in 22 letters, as addresses of Rubrica have it. */
function short(uuid) {
  const bytes = uuid.replaceAll("-", "").match(/../g).map((byte) => parseInt(byte, 16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const frame = document.createElement("iframe");
frame.title = "Signature";
frame.allow = "camera; geolocation";
frame.src = `${rubrica}/embed/${organization}/${short(signature)}`;

async function renew() {
  const answer = await fetch(`/token/${signature}`, { method: "POST" });
  if (!answer.ok) return (news.textContent = await answer.text());
  frame.contentWindow.postMessage({ type: "rubrica-token", token: (await answer.json()).token, lang: "en" }, new URL(rubrica).origin);
}

addEventListener("message", ({ source, origin, data }) => {
  if (source !== frame.contentWindow || origin !== new URL(rubrica).origin) return;
  if (data.type === "rubrica-hello" || data.type === "rubrica-token-expiring") renew();
  if (data.type === "rubrica-height") frame.height = data.height;
  if (data.type === "rubrica-signed") news.textContent = "Signed: the shop goes on.";
  if (data.type === "rubrica-declined") news.textContent = "Declined: the shop asks why.";
});
document.querySelector("main").append(frame);
