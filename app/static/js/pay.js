/* Opens WeChat's payment sheet: <form data-call-up="{…signed parameters…}">. Outside WeChat nothing happens.
   With a mixed order's number it is the sheet of insurance and patient together, for which WeChat wants to know the
   page first: wx.config with data-js-config. */
(function () {
  'use strict';

  var part = document.querySelector('[data-call-up]');
  if (!part) { return; }

  var parameters = JSON.parse(part.getAttribute('data-call-up'));
  var sheet = parameters.mixTradeNo ? 'requestMedicalInsurancePay' : 'getBrandWCPayRequest';

  function open() {
    window.WeixinJSBridge.invoke(sheet, parameters, function () { part.submit(); });
  }

  function whenReady() {
    if (window.WeixinJSBridge) { open(); } else { document.addEventListener('WeixinJSBridgeReady', open, false); }
  }

  var config = part.getAttribute('data-js-config');
  if (config && window.wx) {
    var known = JSON.parse(config);
    known.jsApiList = [sheet];
    window.wx.ready(whenReady);
    window.wx.error(function () { part.submit(); });
    window.wx.config(known);
  } else {
    whenReady();
  }
})();
