// SPDX-License-Identifier: Apache-2.0
// The bundler takes styles that a page imports.
declare module "*.css";
