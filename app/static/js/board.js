/* The waiting room's screen: a new call blinks three times, the clock is the hospital's, old data says so after 15 seconds. */
(function () {
  'use strict';
  var STALE_AFTER_MS = 15000;
  var note = document.querySelector('[data-stale-note]');
  var clock = document.querySelector('[data-clock]');
  var freshAt = Date.now();
  var ahead = clock ? Date.parse(clock.getAttribute('data-now')) - freshAt : 0;

  function calls() {
    var seen = {};
    Array.prototype.forEach.call(document.querySelectorAll('[data-call]'), function (call) { seen[call.getAttribute('data-call')] = call; });
    return seen;
  }

  var known = calls();

  document.addEventListener('poll:changed', function () {
    var now = calls();
    Object.keys(now).forEach(function (key) { if (!known[key]) { now[key].classList.add('call-new'); } });
    known = now;
  });

  document.addEventListener('poll:fresh', function () { freshAt = Date.now(); });

  function tick() {
    var stale = Date.now() - freshAt > STALE_AFTER_MS;
    document.body.classList.toggle('is-stale', stale);
    if (note) { note.hidden = !stale; }
    if (clock) {
      clock.textContent = new Date(Date.now() + ahead).toLocaleTimeString('zh-CN', {
        hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: clock.getAttribute('data-zone')
      });
    }
  }

  tick();
  setInterval(tick, 1000);
})();
