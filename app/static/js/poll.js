/* Keeps the live parts of a page fresh: <div data-poll="/url" data-poll-seconds="10" data-stale="{time} 的数据，网络恢复后自动更新">.
   The server answers 304 when nothing changed. Tells the element 'poll:fresh', 'poll:changed' and 'poll:failed'. */
(function () {
  'use strict';

  var STALE_AFTER_MS = 15000;
  var LONGEST_ANSWER_MS = 10000;

  function two(number) { return (number < 10 ? '0' : '') + number; }

  function tell(part, what, detail) { part.dispatchEvent(new CustomEvent('poll:' + what, { bubbles: true, detail: detail })); }

  function follow(part) {
    var seconds = Number(part.getAttribute('data-poll-seconds')) || 10;
    var words = part.getAttribute('data-stale');
    var etag = part.getAttribute('data-etag');
    var freshAt = new Date();
    var failures = 0;
    var mark = null;
    var looks = 0;

    /* A look that never comes back (a dead line) counts as failed, so that the next one is made. */
    function inTime(asked) {
      return Promise.race([asked, new Promise(function (_, refuse) {
        setTimeout(function () { refuse(new Error('no answer')); }, LONGEST_ANSWER_MS);
      })]);
    }

    function later() { setTimeout(look, seconds * 1000 * (0.9 + Math.random() * 0.2)); }

    function fresh(response) {
      failures = 0;
      freshAt = new Date();
      if (mark) { mark.remove(); mark = null; }
      tell(part, 'fresh', { date: response.headers.get('Date') });
    }

    function failed() {
      failures += 1;
      tell(part, 'failed', { failures: failures, freshAt: freshAt });
    }

    function markOld() {
      if (mark || !words || new Date() - freshAt <= STALE_AFTER_MS) { return; }
      mark = document.createElement('p');
      mark.className = 'stale';
      mark.setAttribute('role', 'status');
      mark.textContent = words.replace('{time}', two(freshAt.getHours()) + ':' + two(freshAt.getMinutes()));
      part.parentNode.insertBefore(mark, part);
    }

    function show(html) {
      var focused = part.contains(document.activeElement) && document.activeElement.id;
      part.innerHTML = html;
      var again = focused && document.getElementById(focused);
      if (again) { again.focus(); }
      tell(part, 'changed', {});
    }

    function take(number, response) {
      if (number !== looks) { return null; }
      if (response.redirected) { location.reload(); return null; }
      if (response.status === 304) { fresh(response); return null; }
      if (response.status !== 200) { throw new Error('answered ' + response.status); }
      return response.text().then(function (html) {
        if (number !== looks) { return; }
        etag = response.headers.get('ETag');
        fresh(response);
        show(html);
      });
    }

    function ask() {
      looks += 1;
      return inTime(fetch(part.getAttribute('data-poll'), { credentials: 'same-origin', headers: etag ? { 'If-None-Match': etag } : {} })
        .then(take.bind(null, looks))).catch(failed);
    }

    function look() {
      if (document.hidden) { later(); return; }
      ask().then(later);
    }

    /* A phone that was in a pocket looks at once. */
    document.addEventListener('visibilitychange', function () {
      if (!document.hidden && new Date() - freshAt > seconds * 1000) { ask(); }
    });

    later();
    setInterval(markOld, 1000);
  }

  Array.prototype.forEach.call(document.querySelectorAll('[data-poll]'), follow);
})();
