/* Says whether the phone is near the hospital: <section hidden data-near="[[latitude, longitude, metres], …]" data-here data-far data-unknown>
   with a button and a line for the answer. It asks only when the button is pressed, and what it learns never leaves the page. */
(function () {
  'use strict';

  var EARTH_METRES = 6371000;
  var part = document.querySelector('[data-near]');
  if (!part || !navigator.geolocation) { return; }

  var places = JSON.parse(part.getAttribute('data-near'));
  var line = part.querySelector('[role=status]');

  function radians(degrees) { return degrees * Math.PI / 180; }

  function metres(from, place) {
    var north = radians(place[0] - from.latitude);
    var east = radians(place[1] - from.longitude);
    var half = Math.pow(Math.sin(north / 2), 2) +
      Math.cos(radians(from.latitude)) * Math.cos(radians(place[0])) * Math.pow(Math.sin(east / 2), 2);
    return 2 * EARTH_METRES * Math.asin(Math.sqrt(half));
  }

  function words(distance) {
    return distance < 1000 ? Math.ceil(distance / 50) * 50 + ' m' : (distance / 1000).toFixed(1) + ' km';
  }

  function found(position) {
    var left = places.map(function (place) { return metres(position.coords, place) - place[2] - position.coords.accuracy; });
    var nearest = Math.min.apply(null, left);
    line.textContent = nearest <= 0 ? part.getAttribute('data-here') :
      part.getAttribute('data-far').replace('{distance}', words(nearest));
  }

  function unknown() { line.textContent = part.getAttribute('data-unknown'); }

  part.hidden = false;
  part.querySelector('button').addEventListener('click', function () {
    navigator.geolocation.getCurrentPosition(found, unknown, { timeout: 8000, maximumAge: 60000 });
  });
})();
