// The API's reference. Swagger UI fetches the document from the address that serves this page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  syntaxHighlight: { activated: false },
  validatorUrl: null, // its badge asks another host
});
