package dev.octet.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.NullMarked;

/** The rules of the house, docs/architecture.md, kept by a test and not by memory. */
@AnalyzeClasses(
    packages = "dev.octet",
    importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoFixtures.class})
class ArchitectureTest {
  private static final String CORE = "dev.octet.core..";
  private static final String GRAPH = "dev.octet.graph..";
  private static final String ENGINE = "dev.octet.engine..";
  private static final String QUANTIZE = "dev.octet.quantize..";
  private static final String TORCH = "dev.octet.torch..";
  private static final String WORKFLOWS = "dev.octet.workflows..";
  private static final String CLI = "dev.octet.cli..";

  @ArchTest
  static final ArchRule arrowsPointDown =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("core")
          .definedBy(CORE)
          .layer("graph")
          .definedBy(GRAPH)
          .layer("engine")
          .definedBy(ENGINE)
          .layer("quantize")
          .definedBy(QUANTIZE)
          .layer("torch")
          .definedBy(TORCH)
          .layer("workflows")
          .definedBy(WORKFLOWS)
          .layer("cli")
          .definedBy(CLI)
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("workflows")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("torch")
          .mayOnlyBeAccessedByLayers("workflows", "cli")
          .whereLayer("quantize")
          .mayOnlyBeAccessedByLayers("torch", "workflows", "cli")
          .whereLayer("engine")
          .mayOnlyBeAccessedByLayers("quantize", "torch", "workflows", "cli")
          .whereLayer("graph")
          .mayOnlyBeAccessedByLayers("engine", "quantize", "torch", "workflows", "cli")
          .whereLayer("core")
          .mayOnlyBeAccessedByLayers("graph", "engine", "quantize", "torch", "workflows", "cli");

  @ArchTest
  static final ArchRule coreAndGraphSeeNoNativeLibrary =
      noClasses()
          .that()
          .resideInAnyPackage(CORE, GRAPH)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("ai.onnxruntime..", "org.bytedeco..");

  @ArchTest
  static final ArchRule onlyTorchAndItsWorkflowsComputeWithLibTorch =
      noClasses()
          .that()
          .resideOutsideOfPackages(TORCH, WORKFLOWS)
          .should()
          .dependOnClassesThat(
              resideInAPackage("org.bytedeco.pytorch..").and(not(assignableTo(ScalarType.class))))
          .because("native memory has one owner; others may name an element type");

  @ArchTest
  static final ArchRule onlyTheEngineSeesOneDnn =
      noClasses()
          .that()
          .resideOutsideOfPackage(ENGINE)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.bytedeco.dnnl..");

  @ArchTest
  static final ArchRule onlyTorchItsWorkflowsAndTheEngineOwnNativeMemory =
      noClasses()
          .that(not(resideInAnyPackage(TORCH, WORKFLOWS, ENGINE)))
          .should()
          .dependOnClassesThat(
              resideInAPackage("org.bytedeco..").and(not(assignableTo(ScalarType.class))));

  /** Among others: op below nn below quant below quant.nn below quant.flow. */
  @ArchTest
  static final ArchRule packagesOfTorchAreNoCycles =
      slices().matching("dev.octet.torch.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule packagesOfWorkflowsAreNoCycles =
      slices().matching("dev.octet.workflows.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule allOfTorchStandsOnItsRoot =
      noClasses()
          .that()
          .resideInAPackage("dev.octet.torch")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.octet.torch.*..");

  @ArchTest
  static final ArchRule torchDrawsRandomNumbersFromSeeds =
      noClasses()
          .that()
          .resideInAnyPackage(TORCH, WORKFLOWS)
          .should()
          .callConstructor(Random.class)
          .orShould()
          .callConstructor(SplittableRandom.class)
          .orShould()
          .callMethod(Math.class, "random")
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(ThreadLocalRandom.class);

  @ArchTest
  static final ArchRule onlyTheRunnerSeesOnnxRuntime =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.octet.quantize.run..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.onnxruntime..");

  @ArchTest
  static final ArchRule onlyTheReaderAndWriterSeeProtobufClasses =
      noClasses()
          .that(not(resideInAnyPackage("dev.octet.graph.onnx..", "dev.octet.torch.train.events..")))
          .should()
          .dependOnClassesThat(resideInAnyPackage("ai.onnx.proto..", "com.google.protobuf.."));

  @ArchTest
  static final ArchRule packagesAreNamedAfterFeatures =
      noClasses()
          .should()
          .resideInAnyPackage(
              "..util..", "..utils..", "..impl..", "..helper..", "..helpers..", "..manager..");

  @ArchTest
  static final ArchRule onlyTheCommandTalksToTheUser =
      noClasses()
          .that()
          .resideOutsideOfPackage(CLI)
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err");

  @ArchTest
  static final ArchRule onlyTheCommandEndsTheJvm =
      noClasses()
          .that()
          .resideOutsideOfPackage(CLI)
          .should()
          .callMethod(System.class, "exit", int.class);

  @ArchTest
  static final ArchRule coreRoundsHalfToEven =
      noClasses()
          .that()
          .resideInAPackage(CORE)
          .should()
          .callMethod(Math.class, "round", float.class)
          .orShould()
          .callMethod(Math.class, "round", double.class)
          .because("Math.round is half-up; rounding is half to even, in one place");

  @ArchTest
  static final ArchRule coreIsDeterministic =
      noClasses()
          .that()
          .resideInAPackage(CORE)
          .should()
          .dependOnClassesThat()
          .areAssignableTo(Random.class);

  @ArchTest
  static final ArchRule publicFieldsAreConstants =
      fields()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .should()
          .beStatic()
          .andShould()
          .beFinal();

  @ArchTest
  static void everyPackageSaysWhatItIsForAndWhatMayBeNull(JavaClasses classes) {
    // package-info is left out of imports, so packages are asked one by one.
    List<String> unmarked =
        classes.stream()
            .map(type -> type.getPackage())
            .distinct()
            .filter(room -> !isNullMarked(room))
            .map(JavaPackage::getName)
            .sorted()
            .toList();
    assertThat(unmarked).as("packages without a @NullMarked package-info.java").isEmpty();
  }

  @ArchTest
  static void everyRoomIsLookedAt(JavaClasses classes) {
    for (String room :
        List.of("core", "graph", "engine", "quantize", "torch", "workflows", "cli")) {
      assertThat(classes.containPackage("dev.octet." + room)).as(room).isTrue();
    }
  }

  private static boolean isNullMarked(JavaPackage room) {
    return room.isAnnotatedWith(NullMarked.class);
  }

  /** Leaves out the fixtures of tests, which are main code of their own module. */
  static final class NoFixtures implements ImportOption {
    @Override
    public boolean includes(com.tngtech.archunit.core.importer.Location location) {
      return !location.contains("/dev/octet/testing/") && !location.contains("octet-testing");
    }
  }
}
