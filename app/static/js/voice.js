/* Speaks a board's calls: <p data-call="…" data-say="qing A 0 1 2 hao dao 3 0 5 zhenshi"> is a row of clips under data-clips.
   Silent until the button of [data-voice] is pressed, as browsers want it; a new call is said twice, one after the other.
   The choice is kept, so that a screen that restarts speaks again, or says that its browser will not let it. */
(function () {
  'use strict';

  var TIMES = 2;
  var PAUSE_MS = 600;
  var KEPT = 'board-voice';
  var control = document.querySelector('[data-voice]');
  if (!control || !window.Audio) { return; }

  var button = control.querySelector('button');
  var volume = control.querySelector('input');
  var mute = control.querySelector('[data-voice-refused]');
  var kept = JSON.parse(localStorage.getItem(KEPT) || '{}');
  var isOn = false;
  var isSpeaking = false;
  var waiting = [];
  var known = calls();

  function calls() {
    var found = {};
    Array.prototype.forEach.call(document.querySelectorAll('[data-say]'), function (call) {
      found[call.getAttribute('data-call')] = call.getAttribute('data-say');
    });
    return found;
  }

  function refused() { mute.hidden = false; }

  function play(clips, then) {
    if (!clips.length || !isOn) { then(); return; }
    var sound = new Audio(control.getAttribute('data-clips') + clips[0]);
    function next() { play(clips.slice(1), then); }
    sound.volume = Number(volume.value) / 100;
    sound.addEventListener('ended', next);
    sound.addEventListener('error', next);
    sound.play().then(function () { mute.hidden = true; }, function (why) { if (why.name === 'NotAllowedError') { refused(); then(); } });
  }

  function speak() {
    if (isSpeaking || !waiting.length) { return; }
    isSpeaking = true;
    play(waiting.shift().split(' '), function () {
      isSpeaking = false;
      setTimeout(speak, PAUSE_MS);
    });
  }

  function say(words) {
    for (var time = 0; time < TIMES; time += 1) { waiting.push(words); }
    speak();
  }

  function turn(on) {
    isOn = on;
    waiting = [];
    button.setAttribute('aria-pressed', String(on));
    button.querySelector('span').textContent = button.getAttribute(on ? 'data-on' : 'data-off');
    mute.hidden = true;
    if (on) { play(['qing'], function () {}); }
    localStorage.setItem(KEPT, JSON.stringify({ on: on, volume: volume.value }));
  }

  document.addEventListener('poll:changed', function () {
    var now = calls();
    Object.keys(now).forEach(function (key) { if (isOn && !(key in known)) { say(now[key]); } });
    known = now;
  });
  button.addEventListener('click', function () { turn(!isOn); });
  volume.addEventListener('change', function () { localStorage.setItem(KEPT, JSON.stringify({ on: isOn, volume: volume.value })); });

  control.hidden = false;
  if (kept.volume) { volume.value = kept.volume; }
  if (kept.on) { turn(true); }
})();
