"""How a request is answered: web application, routes, tokens, limits, faults, log, control API and page."""
