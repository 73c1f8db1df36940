/* Opens WeChat's payment sheet: <form data-call-up="{…signed parameters…}">. Outside WeChat nothing happens. */
(function () {
  'use strict';

  var part = document.querySelector('[data-call-up]');
  if (!part) { return; }

  function open() {
    window.WeixinJSBridge.invoke('getBrandWCPayRequest', JSON.parse(part.getAttribute('data-call-up')), function () {
      part.submit();
    });
  }

  if (window.WeixinJSBridge) { open(); } else { document.addEventListener('WeixinJSBridgeReady', open, false); }
})();
