import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.ExternalResourcesOCSPSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Says of each file that is named on a line of the standard input of which level each of its signatures is, and what it is worth now, asking nobody else. The arguments
 * are trusted roots (*.pem) and answers of OCSP responders (*.ocsp) that one would get now. One line per file, signatures apart by tabs: "LEVEL INDICATION", with what hinders it where there is something.
 */
public class Levels {
    public static void main(String[] arguments) throws Exception {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        List<DSSDocument> answers = new ArrayList<>();
        for (String argument : arguments) {
            if (argument.endsWith(".ocsp")) {
                answers.add(new FileDocument(argument));
            } else {
                trusted.addCertificate(DSSUtils.loadCertificate(new File(argument)));
            }
        }
        ExternalResourcesOCSPSource responders = new ExternalResourcesOCSPSource(answers.toArray(new DSSDocument[0]));
        BufferedReader files = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String file = files.readLine(); file != null; file = files.readLine()) {
            System.out.println(said(file, trusted, responders));
            System.out.flush();
        }
    }

    private static String said(String file, CommonTrustedCertificateSource trusted, ExternalResourcesOCSPSource responders) {
        try {
            CommonCertificateVerifier verifier = new CommonCertificateVerifier();
            verifier.setTrustedCertSources(trusted);
            verifier.setOcspSource(responders);
            SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(file));
            validator.setCertificateVerifier(verifier);
            Reports reports = validator.validateDocument();
            SimpleReport simple = reports.getSimpleReport();
            List<String> words = new ArrayList<>();
            for (SignatureWrapper signature : reports.getDiagnosticData().getSignatures()) {
                String id = signature.getId();
                String why = simple.getSubIndication(id) == null ? "" : " " + simple.getSubIndication(id);
                why += simple.getAdESValidationErrors(id).isEmpty() ? "" : " " + simple.getAdESValidationErrors(id).get(0).getValue().replaceAll("\\s+", " ");
                words.add(signature.getSignatureFormat() + " " + simple.getIndication(id) + why);
            }
            return String.join("\t", words);
        } catch (Throwable thrown) {
            return thrown.toString().replaceAll("\\s+", " ");
        }
    }
}
