var m=new Map;async function f(o){let t=m.get(o)??0;try{let{href:i}=new URL(`./${o}${t?`#${t}`:""}`,import.meta.url);return(await import(i)).default}catch(i){throw m.set(o,t+1),i}}var g=({identification:{status:o}})=>o==="VALIDATED"||o==="SUCCEEDED";var _=String.raw,x=_` .desk{display: grid;justify-items: center;gap: 0.5rem;text-align: center;}.desk-code{font: 700 clamp(2.2rem, 1.6rem + 4vw, 3.2rem) / 1.1 ui-monospace, Menlo, Consolas, monospace;letter-spacing: 0.06em;white-space: nowrap;}.desk .qr{width: 12rem;max-width: 100%;forced-color-adjust: none;}`;var p=4;function T(o,t){let{html:i,nothing:c,ask:k,bar:y,button:v,tenant:d}=o,a=null,$=async n=>{if(a?.code===n)return;let e={code:n,picture:null};a=e;try{e.picture=(await f("qr-bcf773442b8a.js"))(`${t.api.base}/desk?code=${n}`),t.say(t.message)}catch{}},E=n=>{if(!a?.picture)return c;let{size:e,path:l}=a.picture,s=e+2*p;return i`<svg class="qr" viewBox="0 0 ${s} ${s}" role="img" aria-label=${n.t("desk.qr")} shape-rendering="crispEdges">
      <path fill="#fff" d="M0 0h${s}v${s}H0z" />
      <path fill="#000" transform="translate(${p} ${p})" d=${l} />
    </svg>`},w=n=>i`<div class="flow">
      <p>${n.t("desk.done_text",{tenant:d(t,n)})}</p>
      ${k(t,n)}
    </div>`,h=n=>{let{t:e}=n,{identification:l,until:s}=t.invitation,r=l.desk_code;return r&&$(r),i`<div class="flow">
      <p>${e("desk.text",{tenant:d(t,n)})}</p>
      ${r?i`<div class="desk box">
            <p class="soft small">${e("desk.code")}</p>
            <p class="desk-code"><span aria-hidden="true">${r.slice(0,3)} ${r.slice(3)}</span><span class="quiet">${[...r].join(" ")}</span></p>
            ${E(n)}
          </div>`:c}
      <p><span class="spin" aria-hidden="true"></span> ${e("desk.follows")}</p>
      ${s?i`<p class="soft small">${e("invitation.until",{until:n.moment(s)})}</p>`:c}
      ${y(v(t,{label:e("general.back"),press:()=>t.go("invitation")}))}
    </div>`},u=()=>t.invitation!==null&&g(t.invitation);return{style:x,screens:{desk:{place:1,title:(n,e)=>u()?e.t("desk.done"):e.t("desk.title",{tenant:d(t,e)}),body:(n,e)=>u()?w(e):h(e)}},close:()=>a=null}}export{T as default};
