'use strict';
// Once a second the live part is fetched again, and the sections that differ are
// replaced.  The server makes all of it: nothing is drawn here.
const EVERY = 1000, GIVE_UP = 4000;
const main = document.querySelector('main'), lost = document.getElementById('lost');
let good = new Date();

function localise(root) {
  for (const time of root.querySelectorAll('time')) {
    const at = new Date(time.dateTime), today = at.toDateString() === new Date().toDateString();
    time.title = time.dateTime;
    time.textContent = today ? at.toLocaleTimeString() : at.toLocaleString();
  }
}

function take(fresh) {
  localise(fresh);
  for (const part of fresh.children) {
    const old = document.getElementById(part.id);
    if (!old) main.append(part.cloneNode(true));
    else if (old.innerHTML !== part.innerHTML) old.innerHTML = part.innerHTML;
  }
  for (const old of [...main.children]) {
    if (![...fresh.children].some((part) => part.id === old.id)) old.remove();
  }
  document.title = document.querySelector('#now h1').textContent.trim();
}

async function refresh() {
  try {
    const answer = await fetch('/status/live', {signal: AbortSignal.timeout(GIVE_UP), cache: 'no-store'});
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    take(page.querySelector('main'));
    good = new Date();
    lost.hidden = true;
  } catch {
    lost.textContent = 'No answer since ' + good.toLocaleTimeString() + ': what stands below is old.';
    lost.hidden = false;
  }
  setTimeout(again, EVERY);
}

function again() {
  if (document.hidden) document.addEventListener('visibilitychange', refresh, {once: true});
  else refresh();
}

localise(document);
setTimeout(again, EVERY);
