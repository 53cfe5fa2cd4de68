dependencies {
    implementation("org.springframework.ai:spring-ai-starter-model-openai:1.0.0")
    implementation("com.google.cloud:google-cloud-vertexai:1.15.0")
    implementation("org.springframework.boot:spring-boot-starter-web")
    // implementation("com.azure:azure-ai-openai:1.0.0")
    testImplementation("io.github.ollama4j:ollama4j:1.0.79")
}
