/* Opens WeChat's payment sheet: <form data-call-up="{…signed parameters…}">. Outside WeChat nothing happens.
   With a mixed order's number it is the sheet of insurance and patient together. */
(function () {
  'use strict';

  var part = document.querySelector('[data-call-up]');
  if (!part) { return; }

  var parameters = JSON.parse(part.getAttribute('data-call-up'));
  var sheet = parameters.mixTradeNo ? 'requestMedicalInsurancePay' : 'getBrandWCPayRequest';

  function open() {
    window.WeixinJSBridge.invoke(sheet, parameters, function () { part.submit(); });
  }

  if (window.WeixinJSBridge) { open(); } else { document.addEventListener('WeixinJSBridgeReady', open, false); }
})();
