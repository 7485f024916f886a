// next.config.mjs
export default {
  turbopack: { root: import.meta.dirname },
  serverExternalPackages: ['holdfast'],
};
