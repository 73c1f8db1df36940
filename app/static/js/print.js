/* <button data-print hidden> is shown where scripts run, and opens the browser's own printing. */
(function () {
  'use strict';

  var button = document.querySelector('[data-print]');
  if (!button) { return; }
  button.hidden = false;
  button.addEventListener('click', function () { window.print(); });
})();
