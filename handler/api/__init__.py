"""The HTTP API: routes, uploads, problem documents, caching and the OpenAPI document."""
