history.replaceState(null,"",document.querySelector("link[rel=canonical]").href)
