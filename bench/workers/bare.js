// The floor: a proxy that hands each request to the upstream and its response back.
export default {
  fetch(request, env) {
    return fetch(new Request(env.UPSTREAM, request));
  },
};
