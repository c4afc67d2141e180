setTimeout(function(){HTMLFormElement.prototype.submit.call(document.forms[0])},1000*document.body.dataset.after)
