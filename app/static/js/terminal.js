/* A scanner gun types: this catches it by physical key, with any focus and under any input method.
   <form data-scan> holds <input data-scan-input>; a button with data-key="F8" is pressed by that key; [data-sound] is heard once;
   [data-scan-not-now] is shown when a code comes to a page without such a form, [data-no-network] when nothing can be sent. */
(function () {
  'use strict';
  var GAP_MS = 80;
  var MIN_DIGITS = 12;
  var REPEAT_MS = 2500;
  var LAST = 'terminal-last-scan';
  var TONES = {
    granted: [[880, 0, 0.12], [1320, 0.13, 0.2]],
    refused: [[220, 0, 0.25], [180, 0.3, 0.4]],
    warn: [[660, 0, 0.12], [660, 0.2, 0.12], [660, 0.4, 0.12]]
  };
  var digits = '';
  var lastKeyAt = 0;
  var field = null;
  var fieldValue = '';

  /* -- scanning -- */

  function begin() {
    var focused = document.activeElement;
    field = focused && 'value' in focused && focused.tagName !== 'BUTTON' ? focused : null;
    fieldValue = field ? field.value : '';
    digits = '';
  }

  function scannedBefore(code) {
    var last = JSON.parse(sessionStorage.getItem(LAST) || '{}');
    if (last.code === code && Date.now() - last.at < REPEAT_MS) { return true; }
    sessionStorage.setItem(LAST, JSON.stringify({ code: code, at: Date.now() }));
    return false;
  }

  function accept(code) {
    var form = document.querySelector('form[data-scan]');
    if (field) { field.value = fieldValue; }
    if (!form) { sayNotNow(); return; }
    if (isCutOff()) { return; }
    if (scannedBefore(code)) { return; }
    form.querySelector('[data-scan-input]').value = code;
    form.submit();
  }

  /* On a page that takes no code the gun is not ignored without a word. */
  function sayNotNow() { say('[data-scan-not-now]'); }

  /* Without network a form would lead to the browser's own error page, away from the bag that is in hand. */
  function isCutOff() { return !navigator.onLine && say('[data-no-network]'); }

  function say(which) {
    var words = document.querySelector(which);
    if (!words) { return false; }
    words.hidden = false;
    words.scrollIntoView({ block: 'nearest' });
    play('refused');
    return true;
  }

  function caught(event) {
    if (event.code !== 'Enter' && event.code !== 'NumpadEnter') { return false; }
    return digits.length >= MIN_DIGITS;
  }

  function listen(event) {
    var now = event.timeStamp;
    var digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) { digits = ''; return; }
    if (now - lastKeyAt > GAP_MS) { begin(); }
    lastKeyAt = now;
    if (digit) { digits += digit[1]; return; }
    if (caught(event)) {
      event.preventDefault();
      event.stopPropagation();
      accept(digits);
    }
    if (!/^Shift/.test(event.code)) { digits = ''; }
  }

  /* -- keys of the action bar -- */

  function press(event) {
    var name = event.key === 'Escape' ? 'Esc' : event.key;
    var target = /^(F\d+|Esc)$/.test(name) && !event.isComposing && document.querySelector('[data-key="' + name + '"]:not([disabled])');
    if (target && !event.repeat) {
      event.preventDefault();
      target.click();
    }
  }

  /* -- sounds -- */

  function play(name) {
    var Context = window.AudioContext || window.webkitAudioContext;
    var off = document.querySelector('[data-sound-off]');
    if (!Context) { return; }
    var context = new Context();
    setTimeout(function () { if (off) { off.hidden = context.state === 'running'; } }, 300);
    TONES[name].forEach(function (tone) {
      var oscillator = context.createOscillator();
      var volume = context.createGain();
      var start = context.currentTime + 0.02 + tone[1];
      oscillator.type = name === 'refused' ? 'square' : 'sine';
      oscillator.frequency.value = tone[0];
      volume.gain.setValueAtTime(0.25, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + tone[2]);
      oscillator.connect(volume);
      volume.connect(context.destination);
      oscillator.start(start);
      oscillator.stop(start + tone[2]);
    });
  }

  document.addEventListener('keydown', listen, true);
  document.addEventListener('keydown', press, true);
  document.addEventListener('submit', function (event) { if (isCutOff()) { event.preventDefault(); } });
  window.addEventListener('online', function () {
    var words = document.querySelector('[data-no-network]');
    if (words) { words.hidden = true; }
  });
  document.addEventListener('click', function (event) {
    var test = event.target.closest('[data-sound-test]');
    if (test) { play(test.getAttribute('data-sound-test')); }
  });
  var verdict = document.querySelector('[data-sound]');
  if (verdict) { play(verdict.getAttribute('data-sound')); }
})();
